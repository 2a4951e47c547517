#include "http/upstream/sse_splitter.hpp"

#include <utility>

namespace signalbox::http {

SseSplitter::SseSplitter(std::size_t event_bytes_max) : x_event_bytes_max(event_bytes_max) {}

Result<void> SseSplitter::feed(std::string_view piece, std::vector<SseEvent>& events) {
  std::size_t at = 0;
  while (at < piece.size()) {
    if (x_after_cr && piece[at] == '\n') {
      x_raw += '\n';
      // A LF that was held back from a finished event must not count as a line of the next one.
      x_line_begin = x_raw.size();
      x_after_cr = false;
      ++at;
      continue;
    }
    x_after_cr = false;
    const std::size_t end = piece.find_first_of("\r\n", at);
    const bool whole = end != std::string_view::npos;
    x_raw += piece.substr(at, whole ? end - at : std::string_view::npos);
    if (x_raw.size() > x_event_bytes_max)
      return make_error(
          ErrorCode::backend_stream_failed,
          "the backend sent an event of more than " + std::to_string(x_event_bytes_max) + " bytes");
    if (!whole) return {};
    const bool blank = x_raw.size() == x_line_begin;
    if (!blank) end_line();
    x_raw += piece[end];
    at = end + 1;
    if (piece[end] == '\r') {
      x_after_cr = at == piece.size();
      if (!x_after_cr && piece[at] == '\n') {
        x_raw += '\n';
        ++at;
      }
    }
    x_line_begin = x_raw.size();
    if (blank) events.push_back(take_event());
  }
  return {};
}

std::optional<SseEvent> SseSplitter::finish() {
  if (x_raw.size() > x_line_begin) end_line();
  x_after_cr = false;
  if (x_raw.empty()) return std::nullopt;
  return take_event();
}

void SseSplitter::end_line() {
  std::string_view line = std::string_view(x_raw).substr(x_line_begin);
  if (x_at_start) {
    x_at_start = false;
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (line.substr(0, 3) == byte_order_mark) line.remove_prefix(3);
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "data") {
    if (x_event.has_data) x_event.data += '\n';
    x_event.data += value;
    x_event.has_data = true;
  } else if (field == "event") {
    x_event.name = value;
  }
}

SseEvent SseSplitter::take_event() {
  SseEvent event = std::exchange(x_event, SseEvent());
  event.raw = std::exchange(x_raw, std::string());
  x_line_begin = 0;
  return event;
}

}  // namespace signalbox::http
