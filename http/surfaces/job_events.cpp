#include "http/surfaces/job_events.hpp"

#include <vector>

#include "http/text/json_members.hpp"
#include "http/text/sse_event.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::http {
namespace {

constexpr std::string_view done_event = "data: [DONE]\n\n";
/// Every event was one when it came; this only bounds what a broken one can cost. Unit: bytes.
constexpr std::size_t event_bytes_max = std::size_t{1} << 30U;

std::string text_in(std::string_view body, std::string_view chat_member) {
  if (check_json(body).has_error()) return {};
  const auto choices = elements_of(value_of(body, "choices"));
  if (choices.empty()) return {};
  if (auto text = unquote(value_of(choices.front(), "text"))) return std::move(*text);
  const std::string_view message = value_of(choices.front(), chat_member);
  return unquote(value_of(message, "content")).value_or("");
}

}  // namespace

std::string chunk_text(std::string_view event_data) {
  return text_in(event_data, "delta");
}

std::string answer_text(std::string_view body) {
  return text_in(body, "message");
}

std::string JobEvents::passed(std::string_view events, std::uint64_t first_event) {
  SseSplitter splitter{event_bytes_max};
  std::vector<SseEvent> split;
  if (splitter.feed(events, split).has_error()) return {};
  x_has_missed = x_has_missed || first_event > x_next_event;
  std::string text;
  std::uint64_t number = first_event;
  for (const SseEvent& event : split) {
    if (!event.has_data || event.data == "[DONE]") continue;
    const bool is_new = number >= x_next_event;
    ++number;
    if (!is_new || x_has_missed) continue;
    x_next_event = number;
    const std::string token = chunk_text(event.data);
    if (!token.empty()) text += data_event(token);
  }
  x_has_told = x_has_told || !text.empty();
  return text;
}

bool JobEvents::start_over() {
  x_next_event = 1;
  x_has_missed = false;
  return !x_has_told;
}

std::string JobEvents::ended(std::string_view body) const {
  const std::string text = x_has_told ? std::string{} : answer_text(body);
  return (text.empty() ? std::string{} : data_event(text)) + std::string{done_event};
}

std::string job_error_event(std::string_view error_body) {
  return data_event(on_one_line(std::string{error_body}));
}

}  // namespace signalbox::http
