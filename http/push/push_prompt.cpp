#include "http/push/push_prompt.hpp"

#include <array>
#include <optional>
#include <utility>

#include "http/text/json_members.hpp"

namespace signalbox::http {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> speakers{
    {{"system", "System"},
     {"developer", "System"},
     {"user", "User"},
     {"assistant", "Assistant"},
     {"tool", "Tool"},
     {"function", "Tool"}}};

std::optional<std::string_view> speaker_of(std::string_view role) {
  for (const auto& [name, speaker] : speakers)
    if (name == role) return speaker;
  return std::nullopt;
}

bool is_given(std::string_view raw) {
  return !raw.empty() && raw != "null";
}

/// The text of a part such as {"type":"text","text":"…"}.
std::optional<std::string> text_of_part(std::string_view part) {
  const auto type = unquote(value_of(part, "type"));
  if (type == "text" || type == "input_text") return unquote(value_of(part, "text"));
  if (type == "refusal") return unquote(value_of(part, "refusal"));
  return std::nullopt;
}

/// @returns the text of a content: a string, text parts joined by line ends, or nothing at all.
Result<std::string> text_of(std::string_view content) {
  if (!is_given(content)) return std::string();
  if (auto text = unquote(content)) return *text;
  if (content.front() != '[')
    return cannot_carry("a message's content must be a string or a list of parts", "messages");
  std::string all;
  bool is_first = true;
  for (const std::string_view part : elements_of(content)) {
    const auto text = text_of_part(part);
    if (!text)
      return cannot_carry("a push worker takes text only: a message has a part of another type",
                          "messages");
    if (!std::exchange(is_first, false)) all += '\n';
    all += *text;
  }
  return all;
}

}  // namespace

Error cannot_carry(std::string message, std::string param) {
  return invalid_request(std::move(message), std::move(param));
}

Result<std::string> chat_prompt(std::string_view messages) {
  std::string prompt;
  for (const std::string_view message : elements_of(messages)) {
    const auto role = unquote(value_of(message, "role")).value_or("");
    const auto speaker = speaker_of(role);
    if (!speaker) return cannot_carry("a message has no role that a prompt could name", "messages");
    if (!elements_of(value_of(message, "tool_calls")).empty() ||
        is_given(value_of(message, "function_call")))
      return cannot_carry("a push worker cannot call tools: a message has tool calls", "messages");
    const auto text = text_of(value_of(message, "content"));
    if (!text) return text.error();
    prompt.append(*speaker).append(": ").append(*text).append("\n");
  }
  if (prompt.empty()) return cannot_carry("messages must be a list of messages", "messages");
  return prompt + "Assistant:";
}

Result<std::string> completion_prompt(std::string_view prompt) {
  if (auto text = unquote(prompt)) return *text;
  const auto prompts = elements_of(prompt);
  if (prompts.size() == 1)
    if (auto text = unquote(prompts.front())) return *text;
  return cannot_carry("a push worker takes one prompt, as text", "prompt");
}

}  // namespace signalbox::http
