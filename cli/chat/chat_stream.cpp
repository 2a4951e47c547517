#include "cli/chat/chat_stream.hpp"

#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::cli {
namespace {

/// @param holder "delta" of a chunk, "message" of a body.
std::string_view find_content(std::string_view json, std::string_view holder) {
  const auto choices = http::elements_of(http::value_of(json, "choices"));
  if (choices.empty()) return {};
  return http::value_of(http::value_of(choices.front(), holder), "content");
}

void write_messages(http::JsonWriter& json, const ChatOptions& options,
                    const std::vector<ChatMessage>& messages) {
  json.key("messages").begin_array();
  for (const ChatMessage& message : messages) {
    json.begin_object().key("role").string(message.role);
    json.key("content").string(message.content).end_object();
  }
  json.end_array();
  if (options.max_tokens) json.key("max_tokens").number(std::int64_t{*options.max_tokens});
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

std::string make_chat_body(const ChatOptions& options, const std::vector<ChatMessage>& messages) {
  http::JsonWriter json;
  json.begin_object();
  if (options.target == ChatTarget::llm) json.key("model").string(options.name);
  write_messages(json, options, messages);
  json.key("stream").boolean(options.stream).end_object();
  return json.take();
}

std::string make_task_body(const ChatOptions& options, const std::vector<ChatMessage>& messages,
                           std::string_view target_member) {
  http::JsonWriter json;
  json.begin_object().key(target_member).string(options.name).key("request").begin_object();
  write_messages(json, options, messages);
  json.end_object().end_object();
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
