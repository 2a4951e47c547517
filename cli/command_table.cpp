#include "cli/command_table.hpp"

#include "cli/command_line.hpp"

namespace signalbox::cli {
namespace {

ValueRow value_of(const CommandLine& line, const CLI::Option* option) {
  const auto found = line.values.find(option);
  return found == line.values.end() ? ValueRow{} : found->second;
}

OptionRow read_option(const CommandLine& line, const CLI::Option* option) {
  OptionRow row;
  for (const std::string& name : option->get_lnames()) row.names.push_back("--" + name);
  for (const std::string& name : option->get_snames()) row.names.push_back("-" + name);
  row.help = option->get_description();
  row.takes_value = option->get_items_expected_max() > 0;
  row.may_repeat = option->get_items_expected_max() > 1;
  row.value = value_of(line, option);
  return row;
}

CommandRow read_command(const CommandLine& line, const CLI::App& app) {
  CommandRow row;
  row.name = app.get_name();
  row.help = app.get_description();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      row.positionals.push_back(
          {option->get_name(true), option->get_items_expected_max() > 1, value_of(line, option)});
    } else {
      row.options.push_back(read_option(line, option));
    }
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    row.commands.push_back(read_command(line, *command));
  }
  return row;
}

}  // namespace

CommandRow make_command_table() {
  const CommandLine line;
  return read_command(line, line.app);
}

}  // namespace signalbox::cli
