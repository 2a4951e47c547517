// Completion scripts for shells, out of the table of commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_table.hpp"

namespace signalbox::cli {

/// @returns the script for `shell`. It is static: completing a word starts no program.
std::string make_completion(Shell shell, const CommandRow& program);

std::string make_bash_completion(const CommandRow& program);
std::string make_zsh_completion(const CommandRow& program);
std::string make_fish_completion(const CommandRow& program);

/// A command and the words that lead to it.
struct CommandPath {
  /// "" for the program itself, else "config check".
  std::string path;
  const CommandRow* command = nullptr;
};

/// @returns the program and all that is below it, outer ones first.
std::vector<CommandPath> list_paths(const CommandRow& program);

/// @returns `words` with `separator` between them.
std::string join(const std::vector<std::string>& words, std::string_view separator);

/// @returns the names of a command's subcommands.
std::vector<std::string> names_of(const std::vector<CommandRow>& commands);

}  // namespace signalbox::cli
