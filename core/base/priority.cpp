#include "core/base/priority.hpp"

#include <cctype>

namespace signalbox {
namespace {

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (std::tolower(static_cast<unsigned char>(text[index])) != lower[index]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view to_string(Priority priority) {
  switch (priority) {
    case Priority::interactive:
      return "interactive";
    case Priority::workflow:
      return "workflow";
    case Priority::background:
      return "background";
  }
  return "workflow";
}

std::optional<Priority> parse_priority(std::string_view text) {
  text = trim(text);
  for (const Priority priority : all_priorities) {
    if (equals_ignoring_case(text, to_string(priority))) return priority;
  }
  return std::nullopt;
}

std::optional<Priority> parse_urgency(std::string_view field) {
  std::optional<Priority> found;
  while (!field.empty()) {
    const std::size_t comma = field.find(',');
    const std::string_view member = trim(field.substr(0, comma));
    const std::string_view item = member.substr(0, member.find(';'));
    field.remove_prefix(comma == std::string_view::npos ? field.size() : comma + 1);
    if (item.size() != 3 || !item.starts_with("u=")) continue;
    const char digit = item[2];
    if (digit < '0' || digit > '7') continue;
    // A repeated dictionary key: the last one holds (RFC 8941 section 3.2).
    if (digit <= '2')
      found = Priority::interactive;
    else if (digit <= '4')
      found = Priority::workflow;
    else
      found = Priority::background;
  }
  return found;
}

}  // namespace signalbox
