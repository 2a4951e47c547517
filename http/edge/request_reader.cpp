#include "http/edge/request_reader.hpp"

#include <algorithm>
#include <utility>

namespace signalbox::http {

namespace {

/// Set aside for a body before any of it has come; more only as it comes, whatever was announced.
constexpr std::size_t trusted_body_bytes = 256 * 1024;

/// How far into a head that was refused its X-Request-Id is looked for.
constexpr std::size_t request_id_search_bytes = 32 * 1024;

}  // namespace

RequestReader::Phase RequestReader::feed(std::string_view bytes) {
  if (x_phase == Phase::body && !x_chunks && x_start == x_buffer.size()) {
    // The bulk of a large body: past the buffer, straight to where it belongs.
    const auto size = std::min(bytes.size(), x_content_length - x_request.request.body.size());
    x_request.request.body.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  x_buffer.append(bytes);
  advance();
  return x_phase;
}

void RequestReader::advance() {
  if (x_phase == Phase::idle) {
    if (!x_blank_line_seen && unread().starts_with("\r\n")) {
      x_blank_line_seen = true;
      consume(2);
    }
    const bool maybe_blank_line = !x_blank_line_seen && unread() == "\r";
    if (unread().empty() || maybe_blank_line) return;
    x_phase = Phase::head;
  }
  if (x_phase == Phase::head && !read_head()) return;
  if (x_phase == Phase::body && read_body()) x_phase = Phase::complete;
}

/// @returns whether the head is through and the body may be read.
bool RequestReader::read_head() {
  const auto end = find_head_end(unread(), x_scanned);
  if (end && *end == 0) return false;
  auto head = end ? parse_request_head(unread().substr(0, *end), x_body_bytes_max)
                  : Checked<RequestHead>(end.error());
  if (!head) {
    x_refusal = head.error();
    x_phase = Phase::refused;
    return false;
  }
  consume(*end);
  x_request.minor_version = head->minor_version;
  x_request.keep_alive = head->keep_alive;
  x_request.request.method = std::move(head->method);
  x_request.request.path = std::move(head->path);
  x_request.request.query = std::move(head->query);
  x_request.request.headers = std::move(head->headers);
  x_owes_continue = head->expects_continue;
  x_content_length = static_cast<std::size_t>(head->content_length);
  if (head->chunked) x_chunks.emplace(x_body_bytes_max);
  x_request.request.body.reserve(std::min(x_content_length, trusted_body_bytes));
  x_phase = Phase::body;
  return true;
}

std::string_view RequestReader::request_id() const {
  constexpr std::string_view field = "x-request-id:";
  if (const auto* parsed = find_header(x_request.request.headers, "x-request-id")) return *parsed;
  const std::string_view head = unread().substr(0, request_id_search_bytes);
  const auto equal = [](char left, char right) {
    return right == (left >= 'A' && left <= 'Z' ? static_cast<char>(left + ('a' - 'A')) : left);
  };
  auto found = std::search(head.begin(), head.end(), field.begin(), field.end(), equal);
  if (found == head.end() || found == head.begin() || *(found - 1) != '\n') return {};
  auto value = head.substr(static_cast<std::size_t>(found - head.begin()) + field.size());
  value = value.substr(0, value.find_first_of("\r\n"));
  const auto start = value.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return value.substr(start, value.find_last_not_of(" \t") - start + 1);
}

/// @returns whether the body is complete.
bool RequestReader::read_body() {
  auto& body = x_request.request.body;
  if (!x_chunks) {
    const auto part = unread().substr(0, x_content_length - body.size());
    body.append(part);
    consume(part.size());
    return body.size() == x_content_length;
  }
  consume(x_chunks->decode(unread(), body));
  if (x_chunks->refusal()) {
    x_refusal = x_chunks->refusal();
    x_phase = Phase::refused;
    return false;
  }
  return x_chunks->is_done();
}

IncomingRequest RequestReader::take() {
  SIGNALBOX_ASSERT(x_phase == Phase::complete);
  x_phase = Phase::idle;
  x_blank_line_seen = false;
  x_owes_continue = false;
  x_content_length = 0;
  x_chunks.reset();
  return std::exchange(x_request, {});
}

bool RequestReader::take_continue() {
  return x_phase == Phase::body && std::exchange(x_owes_continue, false);
}

void RequestReader::discard() {
  // Assigning an empty string would keep the memory of the old one.
  static_cast<void>(std::exchange(x_request, {}));
  x_start = 0;
  std::string().swap(x_buffer);
}

void RequestReader::shrink() {
  if (x_start == x_buffer.size()) {
    x_start = 0;
    std::string().swap(x_buffer);
  }
}

void RequestReader::consume(std::size_t size) {
  x_start += size;
  x_scanned = 0;
  // Moved to the front rarely, so that a thousand pipelined requests are not moved a thousand
  // times.
  if (x_start == x_buffer.size()) {
    x_buffer.clear();
    x_start = 0;
  } else if (x_start > head_bytes_max) {
    x_buffer.erase(0, x_start);
    x_start = 0;
  }
}

std::string_view RequestReader::unread() const {
  return std::string_view(x_buffer).substr(x_start);
}

}  // namespace signalbox::http
