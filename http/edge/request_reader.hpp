// Requests out of the bytes of one connection: whole, checked, one after the other. Pure: whoever
// has the bytes feeds them, which is the hub at first and a lingering worker on a busy connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/edge/chunked_decoder.hpp"
#include "http/edge/request_head.hpp"

namespace signalbox::http {

/// A request and what its head says about the connection.
struct IncomingRequest {
  Request request;
  int minor_version = 1;
  bool keep_alive = true;
};

class RequestReader {
 public:
  //   idle ──▶ head ──▶ body ──▶ complete ── take() ──▶ idle
  //              └────────┴────▶ refused
  enum class Phase : std::uint8_t { idle, head, body, complete, refused };

  explicit RequestReader(std::size_t body_bytes_max) : x_body_bytes_max(body_bytes_max) {}

  /// Adds bytes as received and reads on until one request is complete; what follows it is kept for
  /// the next. Feeding nothing reads on in what was kept. @returns the phase reached.
  Phase feed(std::string_view bytes);

  [[nodiscard]] Phase phase() const { return x_phase; }

  /// @returns the complete request; the next feed() begins another. @pre phase is complete.
  IncomingRequest take();

  /// @pre phase is refused.
  [[nodiscard]] const Refusal& refusal() const { return *x_refusal; }

  /// @returns the X-Request-Id of the request being read, as far as it has come; empty when there
  /// is none. Found even in a head that was refused, so unchecked.
  [[nodiscard]] std::string_view request_id() const;

  /// @returns true once per request whose client waits for `100 Continue` before it sends the body.
  bool take_continue();

  /// How much of the body has come, to judge its pace. 0 outside the body phase.
  [[nodiscard]] std::size_t body_bytes() const { return x_request.request.body.size(); }

  /// Gives back all that has come of a request. The connection reads no more after it.
  void discard();

  /// Gives back memory that an idle connection does not need.
  void shrink();

 private:
  void advance();
  bool read_head();
  bool read_body();
  void consume(std::size_t size);
  [[nodiscard]] std::string_view unread() const;

  std::size_t x_body_bytes_max;
  Phase x_phase = Phase::idle;
  /// Received; the bytes before `x_start` are done with.
  std::string x_buffer;
  std::size_t x_start = 0;
  /// How far find_head_end() has looked, from `x_start`.
  std::size_t x_scanned = 0;
  /// RFC 9112 2.2: clients may send an empty line ahead of a request; one is borne.
  bool x_blank_line_seen = false;
  bool x_owes_continue = false;
  std::size_t x_content_length = 0;
  std::optional<ChunkedDecoder> x_chunks;
  IncomingRequest x_request;
  std::optional<Refusal> x_refusal;
};

}  // namespace signalbox::http
