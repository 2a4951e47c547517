// Which commands there are and what each takes, read off the very parser that takes them, so that
// completions and tests cannot differ from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace signalbox::cli {

/// Shells that completions are written for.
enum class Shell : std::uint8_t { bash, zsh, fish };

/// What may stand for a value.
struct ValueRow {
  bool is_file = false;
  /// Empty = any text.
  std::vector<std::string> words;
};

struct OptionRow {
  /// "--output" and "-o", the long one first.
  std::vector<std::string> names;
  std::string help;
  bool takes_value = false;
  bool may_repeat = false;
  ValueRow value;
};

struct PositionalRow {
  std::string name;
  /// Takes all that follow.
  bool is_last = false;
  ValueRow value;
};

struct CommandRow {
  /// "signalbox" at the root.
  std::string name;
  std::string help;
  std::vector<OptionRow> options;
  std::vector<PositionalRow> positionals;
  std::vector<CommandRow> commands;
};

/// @returns the program itself, with all commands below it.
CommandRow make_command_table();

}  // namespace signalbox::cli
