#include "cli/show/task_follow.hpp"

#include <vector>

#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

std::string text_of(std::string_view json, std::string_view member) {
  return to_printable(http::unquote(http::value_of(json, member)).value_or(""));
}

/// @returns the event's `id` field, or an empty string.
std::string id_of(const http::SseEvent& event) {
  std::string_view rest = event.raw;
  std::string id;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.starts_with("id:")) continue;
    id = line.substr(line.starts_with("id: ") ? 4 : 3);
  }
  return id;
}

}  // namespace

Failure ending_of(std::string_view row) {
  const std::string status = text_of(row, "status");
  if (status == "completed") return {ExitCode::ok, ""};
  const std::string_view error = http::value_of(row, "error");
  const std::string message = text_of(error, "message");
  const std::string code = text_of(error, "code");
  std::string text = "task " + text_of(row, "id") + " ended as " + status;
  if (!message.empty()) text += ": " + message;
  if (!code.empty()) text += " (" + code + ")";
  return {ExitCode::task_failed, text + "\n  more: signalbox describe task " + text_of(row, "id")};
}

std::string TaskFollow::feed(std::string_view piece) {
  std::vector<http::SseEvent> events;
  const auto fed = x_splitter.feed(piece, events);
  std::string text;
  for (const http::SseEvent& event : events) text += take_event(event);
  if (fed.has_error() && !x_ending) x_ending = Failure{ExitCode::failure, fed.error().message};
  return text;
}

std::string TaskFollow::take_event(const http::SseEvent& event) {
  if (x_ending) return "";
  if (std::string id = id_of(event); !id.empty()) x_last_event_id = std::move(id);
  if (!event.has_data || http::check_json(event.data).has_error()) return "";
  if (event.name == "status") return take_status(event.data);
  if (event.name == "terminal") return take_end(event.data);
  return "";
}

std::string TaskFollow::take_status(std::string_view data) {
  return line_of(text_of(data, "status"), text_of(data, "at"), data);
}

std::string TaskFollow::take_end(std::string_view row) {
  x_ending = ending_of(row);
  if (x_format == OutputFormat::json || x_format == OutputFormat::jsonl) {
    return std::string{row} + "\n";
  }
  // The last status event said it already, in most cases.
  const std::string status = text_of(row, "status");
  if (x_told.starts_with(status + " ")) return "";
  return line_of(status, text_of(row, "completed_at"), row);
}

std::string TaskFollow::line_of(const std::string& status, const std::string& at,
                                std::string_view data) {
  const std::string told = status + " " + at;
  if (told == x_told) return "";
  x_told = told;
  switch (x_format) {
    case OutputFormat::name:
      return status + "\n";
    case OutputFormat::json:
    case OutputFormat::jsonl:
      return std::string{data} + "\n";
    case OutputFormat::table:
    case OutputFormat::wide:
      break;
  }
  return (at.empty() ? "-" : at) + "  " + status + "\n";
}

}  // namespace signalbox::cli
