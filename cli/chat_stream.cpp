#include "cli/chat_stream.hpp"

#include <vector>

#include "http/json_members.hpp"
#include "http/json_writer.hpp"

namespace signalbox::cli {
namespace {

/// @param holder "delta" of a chunk, "message" of a body.
std::string_view find_content(std::string_view json, std::string_view holder) {
  const auto choices = http::elements_of(http::value_of(json, "choices"));
  if (choices.empty()) return {};
  return http::value_of(http::value_of(choices.front(), holder), "content");
}

}  // namespace

std::string ChatStream::feed(std::string_view piece) {
  std::vector<http::SseEvent> events;
  const auto fed = x_splitter.feed(piece, events);
  std::string text;
  for (const http::SseEvent& event : events) text += take_event(event);
  if (fed.has_error() && !x_failure) {
    x_failure = Failure{ExitCode::task_failed, fed.error().message};
  }
  return text;
}

std::string ChatStream::take_event(const http::SseEvent& event) {
  if (!event.has_data || x_is_done || x_failure) return "";
  if (event.data == "[DONE]") {
    x_is_done = true;
    return "";
  }
  if (http::check_json(event.data).has_error()) return "";
  const std::string_view error = http::value_of(event.data, "error");
  if (!error.empty() && error != "null") {
    x_failure = to_failure(0, event.data);
    // The call was admitted and ran, so whatever it was, it is the task that failed.
    if (x_failure->exit_code == ExitCode::failure) x_failure->exit_code = ExitCode::task_failed;
    return "";
  }
  const auto content = http::unquote(find_content(event.data, "delta"));
  return content ? to_printable(*content, true) : "";
}

std::optional<Failure> ChatStream::finish() {
  if (const auto rest = x_splitter.finish()) take_event(*rest);
  if (x_failure || x_is_done) return x_failure;
  return Failure{ExitCode::task_failed, "the answer was cut short (no [DONE])"};
}

std::string make_chat_body(const ChatOptions& options, std::string_view message) {
  http::JsonWriter json;
  json.begin_object().key("model").string(options.model).key("messages").begin_array();
  const auto add = [&json](std::string_view role, std::string_view content) {
    json.begin_object().key("role").string(role).key("content").string(content).end_object();
  };
  if (!options.system.empty()) add("system", options.system);
  add("user", message);
  json.end_array();
  if (options.max_tokens) json.key("max_tokens").number(std::int64_t{*options.max_tokens});
  json.key("stream").boolean(options.stream).end_object();
  return json.take();
}

Outcome<std::string> read_chat_answer(std::string_view body) {
  if (!http::check_json(body).has_error()) {
    const std::string_view content = find_content(body, "message");
    if (const auto text = http::unquote(content)) return to_printable(*text, true);
    // A model that only calls tools says nothing.
    if (content == "null") return std::string{};
  }
  return Failure{ExitCode::task_failed,
                 "the answer has no choices[0].message.content; --json shows it"};
}

}  // namespace signalbox::cli
