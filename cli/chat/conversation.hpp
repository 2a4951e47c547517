// What was said so far, and what a line typed into a conversation means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/chat/chat_stream.hpp"

namespace signalbox::cli {

enum class LineKind : std::uint8_t { empty, question, reset, quit, help, unknown };

/// Commands are single words that start with a slash; "/etc/hosts: what is it?" is a question.
LineKind classify_line(std::string_view line);

class Conversation {
 public:
  /// @param system the system prompt, empty = none.
  explicit Conversation(std::string system);

  void add_question(std::string text);
  void add_answer(std::string text);
  /// After a question without an answer: as if it had not been asked.
  void drop_question();
  /// All but the system prompt is forgotten.
  void reset();

  [[nodiscard]] const std::vector<ChatMessage>& messages() const { return x_messages; }

 private:
  std::string x_system;
  std::vector<ChatMessage> x_messages;
};

}  // namespace signalbox::cli
