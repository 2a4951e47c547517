// The head of a request, from bytes to a checked value. Pure: no sockets, no httplib, no clock.
// Strict on purpose: two parties that read one head differently are how requests get smuggled, so
// whatever RFC 9112 lets a server refuse is refused here, before any other code sees a byte of it.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "http/edge/server.hpp"

namespace signalbox::http {

/// Request line and headers together, line ends included.
inline constexpr std::size_t head_bytes_max = 32 * 1024;
inline constexpr std::size_t header_count_max = 100;
inline constexpr std::size_t target_bytes_max = 4 * 1024;
inline constexpr std::size_t method_bytes_max = 32;

/// Why a request is answered here and not by the handler. The connection is closed after it.
struct Refusal {
  int status = 400;
  ErrorCode code = ErrorCode::invalid_request;
  /// One sentence for people; carries nothing the client sent.
  std::string message;
  /// Shown as Retry-After when not 0.
  int retry_after_s = 0;
};

/// What can be read, or why it is refused. Not for `.value()`: ask first.
template <class T>
using Checked = boost::system::result<T, Refusal>;

struct RequestHead {
  std::string method;
  std::string path;
  std::string query;
  /// As received, without those that name our side of the wire (see is_dropped in the .cpp).
  Headers headers;
  /// HTTP/1.<minor>.
  int minor_version = 1;
  bool keep_alive = true;
  bool expects_continue = false;
  /// The body comes in chunks; else it is `content_length` bytes long.
  bool chunked = false;
  std::uint64_t content_length = 0;
};

/// RFC 9110 5.6.2.
bool is_token(std::string_view text);
/// @returns whether `text` can be the value of a header: no control byte but tab.
bool is_field_value(std::string_view text);
/// ASCII only, as header names are.
bool equals_ignoring_case(std::string_view left, std::string_view right);

/// Looks for the blank line that ends a head in a buffer that grows at its end.
/// @param scanned how far earlier calls have looked; start with 0.
/// @returns the size of the head with its blank line, 0 when it is not all there yet, or 400 (bare
/// line feed, no method), 414 (request line without end), 431 (head without end).
Checked<std::size_t> find_head_end(std::string_view bytes, std::size_t& scanned);

/// A request that says nothing of a length has no body (RFC 9112, 6.3), whatever its method.
/// @param head what find_head_end() measured.
/// @returns the head, or 400 (malformed, ambiguous), 413 (body over
/// `body_bytes_max`), 414, 415 (Content-Encoding), 417 (unknown Expect), 431, 501 (CONNECT), 505.
Checked<RequestHead> parse_request_head(std::string_view head, std::size_t body_bytes_max);

}  // namespace signalbox::http
