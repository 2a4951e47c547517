#include "cli/completion/completion.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* head = R"(# fish completion for signalbox
#   signalbox completion fish > ~/.config/fish/completions/signalbox.fish

# Prints the command that was typed, a bar, and how many arguments follow it.
function __signalbox_place
  set -l path ""
  set -l position 0
  set -l awaited ""
  set -l typed (commandline -opc)
  for word in $typed[2..-1]
    if test -n "$awaited"
      set awaited ""
      continue
    end
    switch "$path|$word"
)";

constexpr const char* tail = R"(      case '*|-*'
      case '*'
        set position (math $position + 1)
    end
  end
  echo "$path|$position"
end

function __signalbox_at
  string match -q -- "$argv[1]|*" (__signalbox_place)
end

function __signalbox_at_position
  test (__signalbox_place) = "$argv[1]|$argv[2]"
end

complete -c signalbox -f
)";

/// @returns `text` in single quotes.
std::string quoted(std::string_view text) {
  std::string escaped = "'";
  for (const char byte : text) {
    if (byte == '\'' || byte == '\\') escaped += '\\';
    escaped += byte;
  }
  return escaped + "'";
}

std::string walk_cases(const std::vector<CommandPath>& paths) {
  std::string text;
  for (const CommandPath& each : paths) {
    for (const CommandRow& below : each.command->commands) {
      const std::string longer = each.path.empty() ? below.name : each.path + " " + below.name;
      text += "      case " + quoted(each.path + "|" + below.name) + "\n        set path " +
              quoted(longer) + "\n";
    }
    std::string awaiting;
    for (const OptionRow& option : each.command->options) {
      if (!option.takes_value) continue;
      for (const std::string& name : option.names) awaiting += " " + quoted(each.path + "|" + name);
    }
    if (!awaiting.empty()) text += "      case" + awaiting + "\n        set awaited $word\n";
  }
  return text;
}

std::string complete_line(const std::string& condition, const std::string& rest) {
  return "complete -c signalbox -n " + quoted(condition) + rest + "\n";
}

std::string option_line(const std::string& path, const OptionRow& option) {
  std::string rest;
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    rest += is_long ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (option.takes_value && option.value.is_file) rest += " -r -F";
  if (option.takes_value && !option.value.is_file) rest += " -x";
  if (!option.value.words.empty()) rest += " -a " + quoted(join(option.value.words, " "));
  return complete_line("__signalbox_at " + quoted(path), rest + " -d " + quoted(option.help));
}

std::string positional_lines(const CommandPath& at) {
  std::string text;
  const auto condition = [&at](std::size_t position) {
    return "__signalbox_at_position " + quoted(at.path) + " " + std::to_string(position);
  };
  for (const CommandRow& below : at.command->commands) {
    text += complete_line(condition(0), " -a " + below.name + " -d " + quoted(below.help));
  }
  for (std::size_t index = 0; index < at.command->positionals.size(); ++index) {
    const ValueRow& value = at.command->positionals[index].value;
    if (value.is_file) text += complete_line(condition(index), " -F");
    if (value.words.empty()) continue;
    text += complete_line(condition(index), " -a " + quoted(join(value.words, " ")));
  }
  return text;
}

}  // namespace

std::string make_fish_completion(const CommandRow& program) {
  const auto paths = list_paths(program);
  std::string text = head + walk_cases(paths) + tail;
  for (const CommandPath& at : paths) {
    text += positional_lines(at);
    for (const OptionRow& option : at.command->options) text += option_line(at.path, option);
  }
  return text;
}

}  // namespace signalbox::cli
