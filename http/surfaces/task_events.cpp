#include "http/surfaces/task_events.hpp"

#include <vector>

#include "http/text/json_writer.hpp"
#include "http/text/read_members.hpp"
#include "http/text/sse_event.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::http {
namespace {

/// Every event was one when it came; this only bounds what a broken one can cost. Unit: bytes.
constexpr std::size_t event_bytes_max = std::size_t{1} << 30U;

}  // namespace

std::string to_string(const EventId& id) {
  const std::string seen = std::to_string(id.attempt) + '.' + std::to_string(id.chunk) + '.';
  return seen + (id.is_end ? "end" : std::to_string(static_cast<unsigned>(id.state)));
}

std::optional<EventId> parse_event_id(std::string_view text) {
  EventId id;
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  unsigned state = 0;
  id.is_end = text.substr(last + 1) == "end";
  const bool are_numbers = read_number(text.substr(0, first), id.attempt) &&
                           read_number(text.substr(first + 1, last - first - 1), id.chunk) &&
                           (id.is_end || read_number(text.substr(last + 1), state));
  if (!are_numbers || state >= task_state_count) return std::nullopt;
  id.state = static_cast<TaskState>(state);
  return id;
}

std::string TaskEvents::moved(const Task& task, WallTime at) {
  std::string text;
  if (task.attempts != x_at.attempt) {
    // A reader that was away has chunks of an attempt that ended meanwhile.
    const bool has_stale = x_at.chunk > 0;
    x_at.attempt = task.attempts;
    x_at.chunk = 0;
    if (has_stale) text = reset(task);
  }
  const bool is_known = x_is_resumed && !x_is_live && x_at.state == task.state;
  x_is_live = true;
  x_at.state = task.state;
  if (!is_known) text += status(task, at);
  return text;
}

std::string TaskEvents::passed(std::string_view events, std::uint64_t first_event) {
  SseSplitter splitter{event_bytes_max};
  std::vector<SseEvent> split;
  if (splitter.feed(events, split).has_error()) return {};
  std::string text;
  std::uint64_t number = first_event;
  for (const SseEvent& event : split) {
    // That it is done is told by the terminal event.
    if (!event.has_data || event.data == "[DONE]") continue;
    if (number > x_at.chunk) {
      x_at.chunk = number;
      text += sse_event("chunk", to_string(x_at), event.data);
    }
    ++number;
  }
  return text;
}

std::string TaskEvents::reset(const Task& task) {
  x_at.attempt = task.attempts;
  x_at.chunk = 0;
  JsonWriter json;
  json.begin_object().key("id").string(task.id.to_string());
  json.key("attempt").number(std::int64_t{task.attempts}).end_object();
  return sse_event("reset", to_string(x_at), json.take());
}

std::string TaskEvents::ended(const Task& task, std::string_view tail, std::string row) {
  std::string text = passed(tail, x_at.chunk + 1);
  x_at.state = task.state;
  if (x_is_live) text += status(task, task.completed_at);
  x_at.is_end = true;
  return text + sse_event("terminal", to_string(x_at), on_one_line(std::move(row)));
}

std::string TaskEvents::status(const Task& task, WallTime at) const {
  JsonWriter json;
  json.begin_object().key("id").string(task.id.to_string());
  json.key("status").string(to_string(task.state)).key("at").time(at).end_object();
  return sse_event("status", to_string(x_at), json.take());
}

}  // namespace signalbox::http
