#include "simulations/scenario/yaml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Begins with a letter, has no mark that means something in YAML, and is none of its words.
bool is_plain(std::string_view text) {
  if (text.empty() || !is_letter(text.front())) return false;
  for (const std::string_view word : {"null", "Null", "NULL"}) {
    if (text == word) return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  });
}

void add_escaped(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (byte < 0x20 || byte == 0x7f) {
    out += "\\x";
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
  } else {
    out += c;
  }
}

}  // namespace

std::string seconds_text(Duration time) {
  SIGNALBOX_ASSERT(time >= Duration::zero());
  constexpr std::int64_t second = 1'000'000'000;
  std::string text = std::to_string(time.count() / second);
  const std::int64_t rest = time.count() % second;
  if (rest == 0) return text;
  // The leading 1 keeps the zeros.
  std::string fraction = std::to_string(second + rest).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return text + "." + fraction;
}

std::string number_text(double number) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

std::string value_text(std::string_view text) {
  if (is_plain(text)) return std::string{text};
  std::string quoted = "\"";
  for (const char c : text) add_escaped(quoted, c);
  return quoted + "\"";
}

FlowMap& FlowMap::add(std::string_view key, std::string_view value) {
  if (!x_entries.empty()) x_entries += ", ";
  x_entries += key;
  x_entries += ": ";
  x_entries += value;
  return *this;
}

}  // namespace signalbox::sim
