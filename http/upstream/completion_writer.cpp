#include "http/upstream/completion_writer.hpp"

#include "http/text/json_members.hpp"
#include "http/text/json_writer.hpp"

namespace signalbox::http {

namespace {

std::string usage_member(const CompletionUsage& usage) {
  JsonWriter json;
  json.begin_object();
  json.key("prompt_tokens").number(usage.prompt_tokens);
  json.key("completion_tokens").number(usage.completion_tokens);
  json.key("total_tokens").number(usage.prompt_tokens + usage.completion_tokens);
  json.end_object();
  return "\"usage\":" + json.take();
}

}  // namespace

CompletionWriter::CompletionWriter(TaskKind kind, TaskId task, std::string_view model)
    : x_kind(kind),
      x_id((kind == TaskKind::chat ? "chatcmpl-" : "cmpl-") + task.to_string()),
      // The task's own time: the same answer whatever attempt gave it.
      x_created_s(
          std::chrono::floor<std::chrono::seconds>(task.created_at()).time_since_epoch().count()),
      x_event_head(head(is_chat() ? "chat.completion.chunk" : "text_completion", model)),
      x_body_head(head(is_chat() ? "chat.completion" : "text_completion", model)) {}

std::string CompletionWriter::head(std::string_view object, std::string_view model) const {
  JsonWriter json;
  json.begin_object().key("id").string(x_id).key("object").string(object);
  json.key("created").number(x_created_s).key("model").string(model);
  return json.take() + ",\"choices\":[";
}

std::string CompletionWriter::event(std::string_view rest) const {
  std::string text = "data: ";
  text.append(x_event_head).append(rest).append("}\n\n");
  return text;
}

std::string CompletionWriter::text_event(std::string_view text, bool is_first) const {
  std::string choice = "{\"index\":0,";
  if (is_chat()) {
    choice +=
        is_first ? "\"delta\":{\"role\":\"assistant\",\"content\":" : "\"delta\":{\"content\":";
    choice += json_quote(text) + '}';
  } else {
    choice += "\"text\":" + json_quote(text);
  }
  return event(choice + ",\"finish_reason\":null}]");
}

std::string CompletionWriter::finish_event(std::string_view finish_reason, bool is_first) const {
  std::string choice = "{\"index\":0,";
  if (!is_chat()) {
    choice += "\"text\":\"\"";
  } else {
    choice += is_first ? "\"delta\":{\"role\":\"assistant\"}" : "\"delta\":{}";
  }
  return event(choice + ",\"finish_reason\":" + json_quote(finish_reason) + "}]");
}

std::string CompletionWriter::usage_event(const CompletionUsage& usage) const {
  return event("]," + usage_member(usage));
}

std::string CompletionWriter::body(std::string_view text, std::string_view finish_reason,
                                   const CompletionUsage& usage) const {
  std::string out = x_body_head + "{\"index\":0,";
  if (is_chat()) {
    out += "\"message\":{\"role\":\"assistant\",\"content\":" + json_quote(text) + '}';
  } else {
    out += "\"text\":" + json_quote(text);
  }
  out += ",\"finish_reason\":" + json_quote(finish_reason) + "}],";
  return out + usage_member(usage) + '}';
}

}  // namespace signalbox::http
