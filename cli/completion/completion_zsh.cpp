#include <algorithm>

#include "cli/completion/completion.hpp"

namespace signalbox::cli {
namespace {

/// @returns `text` inside single quotes, with a backslash before what _arguments and _describe
/// would take for their own.
std::string escape(std::string_view text) {
  std::string escaped;
  for (const char byte : text) {
    if (byte == '\'') {
      escaped += "'\\''";
      continue;
    }
    if (byte == '[' || byte == ']' || byte == ':' || byte == '\\') escaped += '\\';
    escaped += byte;
  }
  return escaped;
}

std::string action_of(const ValueRow& value) {
  if (value.is_file) return "_files";
  if (value.words.empty()) return " ";
  std::vector<std::string> words;
  for (const std::string& word : value.words) words.push_back(escape(word));
  return "(" + join(words, " ") + ")";
}

/// One line of _arguments for each of the option's names.
std::string option_lines(const OptionRow& option) {
  const std::string shut_out = option.may_repeat ? "*" : "(" + join(option.names, " ") + ")";
  const std::string help = "[" + escape(option.help) + "]";
  std::string text;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    const std::string value =
        option.takes_value ? ":value:" + action_of(option.value) : std::string{};
    text += " \\\n    '" + shut_out + name + (option.takes_value && is_long ? "=" : "") + help +
            value + "'";
  }
  return text;
}

std::string positional_lines(const CommandRow& command) {
  std::string text;
  for (std::size_t index = 0; index < command.positionals.size(); ++index) {
    const PositionalRow& positional = command.positionals[index];
    const std::string place = positional.is_last ? "*" : std::to_string(index + 1);
    text += " \\\n    '" + place + ":" + escape(positional.name) + ":" +
            action_of(positional.value) + "'";
  }
  return text;
}

std::string function_of(const std::string& path) {
  std::string name = path.empty() ? "_signalbox" : "_signalbox_" + path;
  std::replace_if(
      name.begin(), name.end(), [](char byte) { return byte == ' ' || byte == '-'; }, '_');
  return name;
}

std::string dispatch(const CommandPath& at) {
  std::string described;
  std::string cases;
  for (const CommandRow& below : at.command->commands) {
    const std::string path = at.path.empty() ? below.name : at.path + " " + below.name;
    described += "\n        '" + below.name + ":" + escape(below.help) + "'";
    cases += "        " + below.name + ") " + function_of(path) + " ;;\n";
  }
  // A command with others below it may take a file in their place.
  const auto& positionals = at.command->positionals;
  const bool takes_file = !positionals.empty() && positionals.front().value.is_file;
  const std::string files = takes_file ? "\n      _files" : "";
  return "  case $state in\n    command)\n      commands=(" + described +
         "\n      )\n      _describe -t commands command commands" + files +
         " ;;\n    rest)\n"
         "      case $words[1] in\n" +
         cases + "      esac ;;\n  esac\n";
}

std::string make_function(const CommandPath& at) {
  std::string arguments;
  for (const OptionRow& option : at.command->options) arguments += option_lines(option);
  const std::string begin = function_of(at.path) + "() {\n";
  if (at.command->commands.empty()) {
    arguments += positional_lines(*at.command);
    return begin + "  _arguments -s -S" + arguments + "\n}\n\n";
  }
  return begin +
         "  local curcontext=\"$curcontext\" state line\n  local -a commands\n"
         "  typeset -A opt_args\n  _arguments -C" +
         arguments + " \\\n    '1: :->command' \\\n    '*:: :->rest'\n" + dispatch(at) + "}\n\n";
}

}  // namespace

std::string make_zsh_completion(const CommandRow& program) {
  std::string text =
      "#compdef signalbox\n"
      "# zsh completion for signalbox\n"
      "#   signalbox completion zsh > \"${fpath[1]}/_signalbox\", or: source <(...)\n\n";
  auto paths = list_paths(program);
  // Inner ones first: each is there before it is named.
  std::reverse(paths.begin(), paths.end());
  for (const CommandPath& at : paths) text += make_function(at);
  return text +
         "if [ \"$funcstack[1]\" = \"_signalbox\" ]; then\n  _signalbox \"$@\"\nelse\n"
         "  compdef _signalbox signalbox\nfi\n";
}

}  // namespace signalbox::cli
