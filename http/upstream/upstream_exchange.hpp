// One HTTP/1.1 request to a backend and its answer, over connections that are kept and used again.
// cpp-httplib writes the request and parses the answer; sockets, timeouts and reuse are ours.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/tasks/task.hpp"
#include "http/upstream/base_url.hpp"
#include "http/upstream/cancellation.hpp"
#include "http/upstream/socket_connector.hpp"

namespace signalbox::http {

struct OutgoingRequest {
  std::string method = "POST";
  std::string path;
  /// Sent as they are, but for those whose value holds a control byte: these are left out. Host and
  /// Content-Length are added.
  std::vector<std::pair<std::string, std::string>> headers;
  /// Null = none.
  Bytes body;
};

struct AnswerHead {
  int status = 0;
  std::string content_type;
  std::string content_encoding;
  std::string retry_after;
};

/// Gets an answer piece by piece, all on the thread that asked.
class AnswerReader {
 public:
  enum class Next : std::uint8_t {
    more,
    /// All that matters is here. The rest is awaited for a moment only, so that the connection can
    /// be kept.
    rest,
    /// Nothing more is wanted; the connection is closed.
    stop,
  };

  virtual ~AnswerReader() = default;
  /// Once, before any body. A retry on a fresh connection happens before this.
  virtual Next on_head(const AnswerHead& head) = 0;
  virtual Next on_body(std::string_view piece) = 0;
  /// All that was received has been handed out; the next step is to wait for more.
  virtual void on_drained() = 0;
};

struct ExchangeResult {
  enum class End : std::uint8_t {
    /// The whole answer came, or the reader said `rest`.
    complete,
    /// The reader said `stop`.
    stopped,
    cancelled,
    /// No connection; `error` says why.
    unreachable,
    /// The connection ended before the answer did.
    closed,
    /// Nothing came for as long as the read timeout.
    timed_out,
    /// What came is no HTTP.
    malformed,
  };
  End end = End::complete;
  Error error;
};

/// Thread-safe: one object per backend, used by all its calls.
class ConnectionPool {
 public:
  /// @param idle_max connections kept open between calls.
  ConnectionPool(BaseUrl base, std::size_t idle_max);
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  /// Asks and reads; blocks until the end. A kept connection that turns out to be dead before it
  /// answered a byte is replaced by a fresh one, once.
  /// @param deadline for the whole exchange, checked while waiting for bytes.
  ExchangeResult exchange(const OutgoingRequest& request, AnswerReader& reader,
                          Cancellation& cancellation, const SocketTimeouts& timeouts,
                          std::chrono::steady_clock::time_point deadline =
                              std::chrono::steady_clock::time_point::max());

  /// Closes connections that have been idle too long.
  void prune();

  /// Connections kept idle now.
  [[nodiscard]] std::size_t idle_count() const;
  /// Connections made so far.
  [[nodiscard]] std::uint64_t connects() const;

 private:
  class Connection;
  struct Idle {
    std::unique_ptr<Connection> connection;
    std::chrono::steady_clock::time_point since;
  };

  /// @returns the connection used last that is still good, or null.
  std::unique_ptr<Connection> take_idle();
  void keep(std::unique_ptr<Connection> connection);

  const BaseUrl x_base;
  const std::size_t x_idle_max;
  SocketConnector x_connector;
  mutable std::mutex x_mutex;
  /// Oldest first; used from the back, so that spare ones age and go.
  std::deque<Idle> x_idle;
  std::uint64_t x_connects = 0;
};

}  // namespace signalbox::http
