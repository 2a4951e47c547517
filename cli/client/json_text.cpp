#include "cli/client/json_text.hpp"

#include <algorithm>
#include <vector>

#include "cli/client/failure.hpp"
#include "cli/client/table.hpp"

namespace signalbox::cli {
namespace {

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// @returns one past the string that starts at `begin`.
std::size_t end_of_string(std::string_view json, std::size_t begin) {
  std::size_t index = begin + 1;
  while (index < json.size() && json[index] != '"') index += json[index] == '\\' ? 2 : 1;
  return std::min(index + 1, json.size());
}

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

void skip_blanks(std::string_view json, std::size_t& index) {
  while (index < json.size() && is_blank(json[index])) ++index;
}

/// Writes the bracket at `index` with the line end that follows or precedes it.
void indent_bracket(std::string_view json, std::size_t& index, std::size_t& depth,
                    std::string& text) {
  const char byte = json[index++];
  const auto new_line = [&] { text += "\n" + std::string(depth * 2, ' '); };
  if (byte == '{' || byte == '[') {
    text += byte;
    skip_blanks(json, index);
    const bool is_empty = index < json.size() && (json[index] == '}' || json[index] == ']');
    if (is_empty) {
      text += json[index++];
      return;
    }
    ++depth;
    new_line();
  } else if (byte == ',') {
    text += byte;
    new_line();
  } else {
    --depth;
    new_line();
    text += byte;
  }
}

}  // namespace

std::string indent_json(std::string_view json) {
  std::string text;
  std::size_t depth = 0;
  for (std::size_t index = 0; index < json.size();) {
    const char byte = json[index];
    if (byte == '"') {
      const std::size_t end = end_of_string(json, index);
      text += to_printable(json.substr(index, end - index));
      index = end;
    } else if (std::string_view{"{[,]}"}.find(byte) != std::string_view::npos) {
      indent_bracket(json, index, depth, text);
    } else if (is_blank(byte)) {
      ++index;
    } else {
      text += byte;
      if (byte == ':') text += ' ';
      ++index;
    }
  }
  return text;
}

std::string shorten_text(std::string_view text, std::size_t lines_max, std::size_t width_max) {
  const auto lines = split_lines(text);
  bool is_cut = lines.size() > lines_max;
  std::string shown;
  for (std::size_t line = 0; line < std::min(lines.size(), lines_max); ++line) {
    const std::string short_line = shorten(lines[line], width_max);
    is_cut = is_cut || short_line != lines[line];
    shown += (line > 0 ? "\n" : "") + short_line;
  }
  if (is_cut) shown += "\n(shortened, " + std::to_string(text.size()) + " bytes; --full shows all)";
  return shown;
}

std::string indent_lines(std::string_view text, std::size_t count) {
  std::string indented;
  for (const std::string& line : split_lines(text)) {
    indented += (line.empty() ? "" : std::string(count, ' ') + line) + "\n";
  }
  return indented;
}

}  // namespace signalbox::cli
