#include "cli/usage.hpp"

#include <algorithm>
#include <string_view>

#include "config/words.hpp"

namespace signalbox::cli {

std::vector<std::string> names_of_subcommands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* each : command.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(each->get_name());
  }
  return names;
}

namespace {

/// @returns what is wrong when a slip of a subcommand was taken for an argument, or nothing.
std::optional<std::string> find_unknown_subcommand(const CLI::App& command) {
  const auto known = names_of_subcommands(command);
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional() || option->results().empty()) continue;
    const std::string& word = option->results().front();
    const std::string meant = suggestion(word, known);
    if (!meant.empty()) return "no command " + config::quote(word) + meant;
  }
  return std::nullopt;
}

}  // namespace

std::string suggestion(const std::string& word, const std::vector<std::string>& known) {
  const auto nearest = config::find_nearest(word, known);
  return nearest ? "; did you mean " + *nearest + "?" : "";
}

std::string join_words(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) joined += (joined.empty() ? "" : ", ") + word;
  return joined;
}

std::string describe_extra(const CommandLine& line) {
  const auto extras = line.app.remaining(true);
  if (extras.empty()) return "unexpected argument";
  if (auto problem = find_unknown_subcommand(line.command())) return std::move(*problem);
  std::vector<std::string> known;
  for (const CLI::Option* option : line.command().get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string extra = extras.front();
  const bool is_option = extra.starts_with('-');
  return std::string{is_option ? "unknown option " : "unexpected argument "} +
         config::quote(extra) + (is_option ? suggestion(extra, known) : "");
}

std::optional<std::string> find_unknown_command(const CommandLine& line, const std::string& word) {
  const auto known = line.command_names();
  const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
  if (is_known || word.starts_with('-')) return std::nullopt;
  return "no command " + config::quote(word) + suggestion(word, known) + " (see: signalbox --help)";
}

std::string describe_problem(const CommandLine& line, const CLI::ParseError& error) {
  const CLI::App& command = line.command();
  const auto names = names_of_subcommands(command);
  const bool is_open = !names.empty() && command.get_subcommands().empty();
  if (!is_open || std::string_view{error.what()} != "A subcommand is required") return error.what();
  return command.get_name() + " needs a command behind it: " + join_words(names);
}

}  // namespace signalbox::cli
