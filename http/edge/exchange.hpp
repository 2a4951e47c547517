// One request and its answer: what a handler sees as the Responder. Streams go to the socket as
// they are written; a whole answer is kept for the edge's httplib::Server to write when the handler
// has returned.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "http/edge/hub.hpp"
#include "http/edge/request_reader.hpp"
#include "http/edge/server.hpp"

namespace signalbox::http {

class Exchange final : public Responder {
 public:
  //   none ── send() ──▶ whole
  //     └── begin_stream() ──▶ streaming ── end_stream() ──▶ stream_ended
  enum class Answer { none, whole, streaming, stream_ended };

  /// @param connection used, not owned; the caller is its user.
  /// @param stopping once true, answers say that the connection is closed after them.
  Exchange(Hub& hub, Connection& connection, std::chrono::milliseconds write_timeout,
           const std::atomic<bool>& stopping);
  ~Exchange() override { end_watch(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void send(Response response) override;
  void begin_stream(const Response& response) override;
  bool write(std::string_view bytes) override;
  void end_stream() override;
  void on_hang_up(std::function<void()> callback) override;

  /// Runs the handler on the request. Without an answer, or with an exception before one, the
  /// answer is a 500 that tells nothing: code `none`, for this is a bug and no caller can react to
  /// it.
  void run(const Handler& handler, const EarlyAnswer& early_answer);

  [[nodiscard]] const Request& request() const { return x_incoming.request; }
  [[nodiscard]] bool is_head() const { return x_incoming.request.method == "HEAD"; }
  [[nodiscard]] int minor_version() const { return x_incoming.minor_version; }
  [[nodiscard]] Answer answer() const { return x_answer; }
  /// @pre answer() is whole.
  [[nodiscard]] Response& response() { return x_response; }
  /// Settled by begin_stream() or, for a whole answer, when run() returns.
  [[nodiscard]] bool keeps_alive() const { return x_keeps_alive; }

  /// Sends bytes of the answer. @returns false, and from then on without trying, when it cannot.
  bool send_parts(std::span<iovec> parts);

  /// @returns how the connection goes on, or nothing when it waits for the next request.
  [[nodiscard]] std::optional<Ending> ending() const;

 private:
  void require(Answer answer) const;
  void end_watch();

  Hub& x_hub;
  Connection& x_connection;
  const std::chrono::milliseconds x_write_timeout;
  const std::atomic<bool>& x_stopping;
  IncomingRequest x_incoming;
  bool x_keeps_alive;
  bool x_broken = false;
  Answer x_answer = Answer::none;
  Response x_response;
  std::shared_ptr<HangUpWatch> x_watch;
};

}  // namespace signalbox::http
