#include "config/text_check.hpp"

#include <cstdint>

namespace signalbox::config {
namespace {

unsigned to_byte(char character) {
  return static_cast<unsigned char>(character);
}

/// @returns how many bytes the character at the front has, or 0 when it is not UTF-8.
std::size_t character_bytes(std::string_view text) {
  const unsigned lead = to_byte(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < count) return 0;
  for (std::size_t index = 1; index < count; ++index) {
    if ((to_byte(text[index]) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = to_byte(text[1]);
  const bool is_overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool is_surrogate = lead == 0xED && second > 0x9F;
  const bool is_too_large = lead == 0xF4 && second > 0x8F;
  return is_overlong || is_surrogate || is_too_large ? 0 : count;
}

}  // namespace

std::optional<BadText> find_bad_text(std::string_view text) {
  std::size_t line = 1;
  std::size_t line_start = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t bytes = character_bytes(text.substr(at));
    if (bytes == 0) return BadText{line, at - line_start + 1, "the file is not UTF-8 text"};
    if (text[at] == '\0') return BadText{line, at - line_start + 1, "the file has a NUL byte"};
    if (text[at] == '\n') {
      ++line;
      line_start = at + 1;
    }
    at += bytes;
  }
  return std::nullopt;
}

std::vector<std::size_t> find_line_starts(std::string_view text) {
  std::vector<std::size_t> starts{0};
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    starts.push_back(at + 1);
  }
  return starts;
}

bool is_quote_closed(std::string_view text, std::size_t at) {
  if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return true;
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (text[at] == quote) {
      const bool is_doubled = quote == '\'' && at + 1 < text.size() && text[at + 1] == quote;
      if (!is_doubled) return true;
      ++at;
    }
  }
  return false;
}

}  // namespace signalbox::config
