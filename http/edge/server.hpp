// The edge: sockets in, requests out. Its server.cpp is the only file that knows httplib::Server.
// One worker thread per request in progress; idle keep-alive connections wait in the hub and cost
// no thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"

namespace signalbox::http {

/// In wire order; names as received.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// @returns the first value of `name` (any letter case), or null.
const std::string* find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method;
  /// Raw, still percent-encoded, without query.
  std::string path;
  /// Raw, without the `?`; empty when there is none.
  std::string query;
  Headers headers;
  std::string body;
  std::string remote_address;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  Headers headers;
  std::string body;
};

/// The answering side of one request. Calls out of order throw std::logic_error. All calls from the
/// handler's thread, but for what on_hang_up() calls back.
class Responder {
 public:
  virtual ~Responder() = default;

  /// Answers whole. Leaves when the handler returns. @pre nothing was sent yet.
  virtual void send(Response response) = 0;

  /// Sends status and headers of a streamed answer (chunked, never compressed, Cache-Control:
  /// no-store and X-Accel-Buffering: no added). @pre nothing was sent yet. The body of `response`
  /// is ignored. An HTTP/1.0 client gets a body that ends with the connection.
  virtual void begin_stream(const Response& response) = 0;
  /// Leaves at once, in one packet if it fits. @pre begin_stream(), and not yet end_stream().
  /// @returns false when the client is gone or too slow (one write blocked longer than the write
  /// timeout).
  virtual bool write(std::string_view bytes) = 0;
  /// Ends a streamed answer in good order; without it the connection is cut when the handler
  /// returns.
  virtual void end_stream() = 0;

  /// Calls `callback` once, from another thread, as soon as the client closes (or half-closes) its
  /// connection while this request is in progress; at once if it is already gone. Never called once
  /// send() or end_stream() has returned, nor once the handler is left otherwise: each waits for a
  /// call in progress. A handler that may leave in mid-stream or by exception must not capture its
  /// own frame, which is gone before that wait. One thread calls back for all requests: must not
  /// block, nor call this Responder. A second on_hang_up() replaces the first.
  virtual void on_hang_up(std::function<void()> callback) = 0;
};

/// Runs on a worker thread; may block as long as it likes. An exception, or no answer, becomes a
/// plain 500 with code `none`; an exception in mid-stream cuts the stream.
using Handler = std::function<void(const Request&, Responder&)>;

/// A request that the edge answers itself: bad framing, too large, too many, a handler that failed.
struct EarlyError {
  int status = 400;
  ErrorCode code = ErrorCode::invalid_request;
  std::string_view message;
  /// The request's X-Request-Id as far as it could be read, unchecked; empty = none.
  std::string_view request_id;
};

/// Makes the answer to such a request; its status is the error's. Called from several threads; must
/// not block.
using EarlyAnswer = std::function<Response(const EarlyError&)>;

struct ServerOptions {
  std::string bind = "127.0.0.1";
  /// 0 = any free port.
  std::uint16_t port = 8642;
  std::size_t max_body_bytes = 10 * 1024 * 1024;
  /// Of request bodies that have not come whole, over all connections, beyond 16 KiB of each; at
  /// least one of `max_body_bytes` is always taken. A body that would go beyond it is answered 429
  /// `queue_full`.
  std::size_t max_unfinished_body_bytes = 256 * 1024 * 1024;
  /// Requests in progress; one more is answered 429 `queue_full` at once.
  std::size_t max_requests = 4096;
  /// Open connections, idle ones included; one more is closed at once.
  std::size_t max_connections = 10'000;
  /// From the first byte of a request to the end of its head; then 408.
  std::chrono::milliseconds head_timeout{10'000};
  /// Of a connection without a request, new ones included; then it is closed.
  std::chrono::milliseconds idle_timeout{75'000};
  /// For a request body, and for one write; longer only for a peer that keeps up 16 KiB/s on
  /// average.
  std::chrono::milliseconds read_timeout{30'000};
  std::chrono::milliseconds write_timeout{30'000};
};

class Server {
 public:
  Server(ServerOptions options, Handler handler, EarlyAnswer early_answer);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens; connections are accepted from now on, and served once run() was called.
  /// @returns the port, or an error (address in use, not permitted ...) with code invalid_request.
  Result<std::uint16_t> bind();

  /// Serves on threads of its own and returns at once. @pre bind() succeeded.
  void run();

  /// Accepts no more, lets requests in progress end for at most `grace`, cuts the rest, joins all
  /// threads. A handler that is cut learns it from on_hang_up() and write(), and is waited for. May
  /// be called again.
  void stop(std::chrono::milliseconds grace);

  [[nodiscard]] std::size_t requests_in_progress() const;

 private:
  class Impl;
  std::unique_ptr<Impl> x_impl;
};

}  // namespace signalbox::http
