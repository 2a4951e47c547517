#include "http/edge/exchange.hpp"

#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "http/edge/reply.hpp"

namespace signalbox::http {

namespace {

/// The head of a chunk: its size in hexadecimal and a line end.
class ChunkHead {
 public:
  explicit ChunkHead(std::size_t size) {
    auto* end = std::to_chars(x_text.data(), x_text.data() + x_text.size() - 2, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    x_size = static_cast<std::size_t>(end - x_text.data());
  }
  [[nodiscard]] std::string_view text() const { return {x_text.data(), x_size}; }

 private:
  std::array<char, 20> x_text{};
  std::size_t x_size = 0;
};

}  // namespace

Exchange::Exchange(Hub& hub, Connection& connection, std::chrono::milliseconds write_timeout,
                   const std::atomic<bool>& stopping)
    : x_hub(hub),
      x_connection(connection),
      x_write_timeout(write_timeout),
      x_stopping(stopping),
      x_incoming(connection.reader.take()),
      x_keeps_alive(x_incoming.keep_alive) {
  x_incoming.request.remote_address = connection.remote_address;
}

void Exchange::send(Response response) {
  require(Answer::none);
  end_watch();
  x_answer = Answer::whole;
  x_response = std::move(response);
}

void Exchange::begin_stream(const Response& response) {
  require(Answer::none);
  x_answer = Answer::streaming;
  const bool chunked = x_incoming.minor_version > 0;
  x_keeps_alive = x_keeps_alive && chunked && !x_stopping;
  const auto head = stream_head(
      response, chunked ? StreamFraming::chunked : StreamFraming::until_close, x_keeps_alive);
  std::array parts = {part(head)};
  send_parts(parts);
}

bool Exchange::write(std::string_view bytes) {
  require(Answer::streaming);
  // An empty chunk would end the body.
  if (bytes.empty() || is_head()) return !x_broken;
  if (x_incoming.minor_version == 0) {
    std::array parts = {part(bytes)};
    return send_parts(parts);
  }
  const ChunkHead chunk_head(bytes.size());
  std::array parts = {part(chunk_head.text()), part(bytes), part("\r\n")};
  return send_parts(parts);
}

void Exchange::end_stream() {
  require(Answer::streaming);
  end_watch();
  x_answer = Answer::stream_ended;
  if (is_head() || x_incoming.minor_version == 0) return;
  std::array parts = {part("0\r\n\r\n")};
  send_parts(parts);
}

void Exchange::on_hang_up(std::function<void()> callback) {
  end_watch();
  if (x_answer == Answer::whole || x_answer == Answer::stream_ended) return;
  x_watch = std::make_shared<HangUpWatch>(std::move(callback));
  x_hub.watch(x_connection, x_watch);
}

/// A handler that answers out of order is a bug of one route, on one path; it fails that request
/// and not the daemon with all the others in it.
void Exchange::require(Answer answer) const {
  if (x_answer != answer) throw std::logic_error("the handler answers out of order");
}

void Exchange::end_watch() {
  if (!x_watch) return;
  x_hub.watch(x_connection, nullptr);
  x_watch->end();
  x_watch.reset();
}

void Exchange::run(const Handler& handler, const EarlyAnswer& early_answer) {
  bool failed = false;
  try {
    handler(x_incoming.request, *this);
  } catch (...) {
    // What it says may be about us and is not for strangers (CVE-2026-28434).
    failed = true;
  }
  end_watch();
  if (x_answer == Answer::streaming || x_answer == Answer::stream_ended) return;
  x_keeps_alive = x_keeps_alive && !x_stopping;
  if (failed || x_answer == Answer::none) {
    x_answer = Answer::whole;
    const std::string* id = find_header(x_incoming.request.headers, "X-Request-Id");
    x_response = early_answer({.status = 500,
                               .code = ErrorCode::none,
                               .message = "The request failed here.",
                               .request_id = id == nullptr ? std::string_view{} : *id});
    x_response.status = 500;
  }
}

bool Exchange::send_parts(std::span<iovec> parts) {
  if (!x_broken) x_broken = !send_all(x_connection.fd(), parts, x_write_timeout);
  return !x_broken;
}

std::optional<Ending> Exchange::ending() const {
  if (x_broken || x_answer == Answer::none) return Ending::reset;
  if (x_answer == Answer::streaming) {
    // Chunked, the missing last chunk tells that this is not all, and what was sent before arrives.
    // An HTTP/1.0 body ends with the connection: only a reset says that it should not have.
    return x_incoming.minor_version > 0 ? Ending::orderly : Ending::reset;
  }
  if (!x_keeps_alive) return Ending::orderly;
  return std::nullopt;
}

}  // namespace signalbox::http
