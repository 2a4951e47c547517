#include "http/text/sse_event.hpp"

#include <algorithm>

namespace signalbox::http {

bool is_event_stream(std::string_view content_type) {
  const auto same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); };
  return content_type.size() >= event_stream.size() &&
         std::equal(event_stream.begin(), event_stream.end(), content_type.begin(), same);
}

namespace {

void append_data(std::string& text, std::string_view data) {
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n");
    text.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  text += '\n';
}

}  // namespace

std::string data_event(std::string_view data) {
  std::string text;
  text.reserve(data.size() + 16);
  append_data(text, data);
  return text;
}

std::string sse_event(std::string_view name, std::string_view id, std::string_view data) {
  std::string text;
  text.reserve(name.size() + id.size() + data.size() + 32);
  text.append("event: ").append(name).append("\n");
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  append_data(text, data);
  return text;
}

std::string on_one_line(std::string json) {
  std::replace_if(
      json.begin(), json.end(), [](char letter) { return letter == '\n' || letter == '\r'; }, ' ');
  return json;
}

}  // namespace signalbox::http
