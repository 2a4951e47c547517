// Server-sent events as bytes.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace signalbox {

inline constexpr std::string_view event_stream_type = "text/event-stream";
/// The data of the event that closes a stream in OpenAI's form.
inline constexpr std::string_view done_data = "[DONE]";

/// Appends the event that carries `data`, as a backend would have sent it.
inline void append_event(std::string& out, std::string_view data) {
  std::size_t start = 0;
  while (true) {
    const std::size_t end = std::min(data.find('\n', start), data.size());
    out.append("data: ").append(data.substr(start, end - start)).append("\n");
    if (end == data.size()) break;
    start = end + 1;
  }
  out += '\n';
}

}  // namespace signalbox
