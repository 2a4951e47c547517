#include "http/edge/chunked_decoder.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace signalbox::http {

namespace {

/// Extensions and trailers mean nothing to us; this much of them is borne.
constexpr std::size_t overhead_bytes_max = 8 * 1024;
/// One size or trailer line.
constexpr std::size_t line_bytes_max = 4 * 1024;
/// Leading zeros included; enough for 2^60.
constexpr std::size_t size_digits_max = 16;

}  // namespace

std::size_t ChunkedDecoder::decode(std::string_view bytes, std::string& body) {
  std::size_t taken = 0;
  while (!x_refusal && x_state != State::done) {
    const auto rest = bytes.substr(taken);
    if (x_state == State::data) {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(x_chunk_left, rest.size()));
      if (size == 0) break;
      body.append(rest.substr(0, size));
      taken += size;
      x_chunk_left -= size;
      if (x_chunk_left == 0) x_state = State::data_end;
      continue;
    }
    const auto feed = rest.find('\n');
    if (feed == std::string_view::npos) {
      const bool too_long =
          rest.size() > line_bytes_max || (x_state == State::data_end && rest.size() > 1);
      if (too_long) fail(400, ErrorCode::invalid_request, "A chunk line is too long.");
      break;
    }
    if (feed == 0 || rest[feed - 1] != '\r') {
      fail(400, ErrorCode::invalid_request, "A chunk line does not end with CR LF.");
      break;
    }
    const auto line = rest.substr(0, feed - 1);
    taken += feed + 1;
    switch (x_state) {
      case State::size:
        read_size(line);
        break;
      case State::data_end:
        x_state = State::size;
        if (!line.empty()) fail(400, ErrorCode::invalid_request, "A chunk is longer than it says.");
        break;
      case State::trailer:
        read_trailer(line);
        break;
      case State::data:
      case State::done:
        break;
    }
  }
  return taken;
}

void ChunkedDecoder::read_size(std::string_view line) {
  const auto digits_end = std::min(line.find_first_not_of("0123456789abcdefABCDEF"), line.size());
  const auto extension = line.substr(digits_end);
  if (digits_end == 0 || digits_end > size_digits_max) {
    return fail(400, ErrorCode::invalid_request, "A chunk size is not a hexadecimal number.");
  }
  const auto extension_start = extension.find_first_not_of(" \t");
  const bool well_formed = extension.empty() || (extension_start != std::string_view::npos &&
                                                 extension[extension_start] == ';');
  if (!well_formed || !is_field_value(extension)) {
    return fail(400, ErrorCode::invalid_request, "A chunk size is not a hexadecimal number.");
  }
  x_overhead_bytes += extension.size();
  if (x_overhead_bytes > overhead_bytes_max) {
    return fail(400, ErrorCode::invalid_request, "The chunk extensions are too large.");
  }
  std::from_chars(line.data(), line.data() + digits_end, x_chunk_left, 16);
  if (x_chunk_left > x_body_bytes_max - x_body_bytes) {
    return fail(413, ErrorCode::body_too_large, "The request body is too large.");
  }
  x_body_bytes += static_cast<std::size_t>(x_chunk_left);
  x_state = x_chunk_left == 0 ? State::trailer : State::data;
}

void ChunkedDecoder::read_trailer(std::string_view line) {
  if (line.empty()) {
    x_state = State::done;
    return;
  }
  x_overhead_bytes += line.size();
  const auto colon = std::min(line.find(':'), line.size());
  if (x_overhead_bytes > overhead_bytes_max || colon == line.size() ||
      !is_token(line.substr(0, colon)) || !is_field_value(line)) {
    return fail(400, ErrorCode::invalid_request, "The trailers are malformed or too large.");
  }
}

void ChunkedDecoder::fail(int status, ErrorCode code, std::string message) {
  x_refusal = Refusal{.status = status, .code = code, .message = std::move(message)};
}

}  // namespace signalbox::http
