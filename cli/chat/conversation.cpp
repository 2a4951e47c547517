#include "cli/chat/conversation.hpp"

#include <utility>

namespace signalbox::cli {
namespace {

std::string_view trim(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = line.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
}

}  // namespace

LineKind classify_line(std::string_view line) {
  const std::string_view text = trim(line);
  if (text.empty()) return LineKind::empty;
  if (!text.starts_with('/')) return LineKind::question;
  if (text == "/reset") return LineKind::reset;
  if (text == "/quit" || text == "/exit") return LineKind::quit;
  if (text == "/help") return LineKind::help;
  const bool is_word = text.find_first_of(" \t/", 1) == std::string_view::npos;
  return is_word ? LineKind::unknown : LineKind::question;
}

Conversation::Conversation(std::string system) : x_system{std::move(system)} {
  reset();
}

void Conversation::add_question(std::string text) {
  x_messages.push_back({"user", std::move(text)});
}

void Conversation::add_answer(std::string text) {
  x_messages.push_back({"assistant", std::move(text)});
}

void Conversation::drop_question() {
  if (!x_messages.empty() && x_messages.back().role == "user") x_messages.pop_back();
}

void Conversation::reset() {
  x_messages.clear();
  if (!x_system.empty()) x_messages.push_back({"system", x_system});
}

}  // namespace signalbox::cli
