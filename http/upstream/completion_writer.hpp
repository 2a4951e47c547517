// Text as an OpenAI backend would have answered it: the events of a stream, and the body of a plain
// call. For backends that make nothing but text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/tasks/task.hpp"

namespace signalbox::http {

inline constexpr std::string_view done_event = "data: [DONE]\n\n";

struct CompletionUsage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

class CompletionWriter {
 public:
  /// @param kind chat or completion. @param model what the answer is to call it.
  CompletionWriter(TaskKind kind, TaskId task, std::string_view model);

  /// The event of one more piece of text. @param is_first names the role in a chat.
  [[nodiscard]] std::string text_event(std::string_view text, bool is_first) const;
  /// The event that says why the text ends here. @param is_first nothing went before it.
  [[nodiscard]] std::string finish_event(std::string_view finish_reason, bool is_first) const;
  /// The event with no choices that `include_usage` asks for.
  [[nodiscard]] std::string usage_event(const CompletionUsage& usage) const;

  [[nodiscard]] std::string body(std::string_view text, std::string_view finish_reason,
                                 const CompletionUsage& usage) const;

 private:
  [[nodiscard]] bool is_chat() const { return x_kind == TaskKind::chat; }
  [[nodiscard]] std::string head(std::string_view object, std::string_view model) const;
  [[nodiscard]] std::string event(std::string_view rest) const;

  TaskKind x_kind;
  std::string x_id;
  std::int64_t x_created_s;
  /// What every event and the body begin with, up to `"choices":[`.
  std::string x_event_head;
  std::string x_body_head;
};

}  // namespace signalbox::http
