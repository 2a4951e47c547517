// What is said of a command line that is wrong, in words of ours: CLI11 names what it did not
// expect, the near miss and the commands that there are come from here.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace signalbox::cli {

/// @returns "; did you mean X?", or nothing when no known word is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& known);

std::string join_words(const std::vector<std::string>& words);

/// In the order of their declaration.
std::vector<std::string> names_of_subcommands(const CLI::App& command);

/// Of what is left over, that the command does not know.
std::string describe_extra(const CommandLine& line);

/// @returns nothing when `word` is a command or a flag.
std::optional<std::string> find_unknown_command(const CommandLine& line, const std::string& word);

/// Of anything else; names the commands when half of one was given.
std::string describe_problem(const CommandLine& line, const CLI::ParseError& error);

}  // namespace signalbox::cli
