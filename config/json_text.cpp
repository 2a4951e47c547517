#include "config/json_text.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

namespace signalbox::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string to_json_text(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 7> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      json += escape.data();
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string_view take_digits(std::string_view& text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool take(std::string_view& text, std::string_view signs) {
  if (text.empty() || signs.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

/// @returns the number as JSON writes it (no plus, no leading zeros, digits on both sides of the
/// point), or nothing when it is no decimal number of YAML's core schema.
std::optional<std::string> to_json_number(std::string_view text) {
  std::string json;
  if (text.starts_with('-')) json = "-";
  take(text, "+-");
  std::string_view whole = take_digits(text);
  std::string_view fraction;
  const bool has_point = take(text, ".");
  if (has_point) fraction = take_digits(text);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  json += whole.empty() ? "0" : std::string{whole};
  if (!fraction.empty()) json += "." + std::string{fraction};
  if (take(text, "eE")) {
    json += 'e';
    if (text.starts_with('-')) json += '-';
    take(text, "+-");
    const std::string_view exponent = take_digits(text);
    if (exponent.empty()) return std::nullopt;
    json += exponent;
  }
  if (!text.empty()) return std::nullopt;
  return json;
}

/// 0x1F and 0o17.
std::optional<std::string> to_json_based_number(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : text.starts_with("0o") ? 8 : 0;
  if (base == 0) return std::nullopt;
  text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return std::to_string(value);
}

bool fits_double(const std::string& number) {
  double value = 0;
  const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
  return result.ec == std::errc{};
}

bool is_not_finite(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  take(text, "+-");
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

std::string to_json_scalar(LoadContext& context, const Node& node, const std::string& path) {
  if (node.quoted) return to_json_text(node.text);
  const std::string& text = node.text;
  if (text == "true" || text == "True" || text == "TRUE") return "true";
  if (text == "false" || text == "False" || text == "FALSE") return "false";
  auto number = to_json_based_number(text);
  if (!number) number = to_json_number(text);
  if (is_not_finite(text) || (number && !fits_double(*number))) {
    context.add(node, path, "JSON has no such number as " + quote(text));
    return "null";
  }
  return number ? *number : to_json_text(text);
}

}  // namespace

std::string to_json(LoadContext& context, const Node& node, const std::string& path) {
  std::string json;
  switch (node.kind) {
    case NodeKind::null:
      return "null";
    case NodeKind::scalar:
      return to_json_scalar(context, node, path);
    case NodeKind::sequence:
      for (std::size_t index = 0; index < node.items.size(); ++index) {
        if (index > 0) json += ',';
        json += to_json(context, *node.items[index], join_path(path, index));
      }
      return "[" + json + "]";
    case NodeKind::map:
      for (const Entry& entry : node.entries) {
        if (!json.empty()) json += ',';
        json += to_json_text(entry.key) + ":";
        json += to_json(context, *entry.value, join_path(path, entry.key));
      }
      return "{" + json + "}";
  }
  return "null";
}

}  // namespace signalbox::config
