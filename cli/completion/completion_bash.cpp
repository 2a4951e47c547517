#include "cli/completion/completion.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* head = R"(# bash completion for signalbox
#   source <(signalbox completion bash)
_signalbox() {
  local current word path="" position=0 awaited="" words="" files="" line="${COMP_LINE:0:COMP_POINT}"
  local -a typed
  # Not COMP_WORDS, which is cut at colons and equal signs too.
  read -ra typed <<<"$line"
  if [[ -z $line || $line == *[[:blank:]] ]]; then
    current=""
  else
    current="${typed[${#typed[@]}-1]}"
    unset "typed[${#typed[@]}-1]"
  fi
  for word in "${typed[@]:1}"; do
    if [[ -n $awaited ]]; then
      awaited=""
      continue
    fi
    case "$path|$word" in
)";

constexpr const char* middle = R"(      *"|-"*) ;;
      *) position=$((position + 1)) ;;
    esac
  done
  if [[ $current == --*=* ]]; then
    awaited="${current%%=*}"
    current="${current#*=}"
  fi
  if [[ -n $awaited ]]; then
    case "$path|$awaited" in
)";

constexpr const char* tail = R"(    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
  fi
  # bash replaces only what stands after the last colon.
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
  fi
}
complete -F _signalbox signalbox
)";

/// @returns the body of a case: what is offered.
std::string offer(const ValueRow& value) {
  return value.is_file ? "files=1" : "words=\"" + join(value.words, " ") + "\"";
}

std::string make_case(const std::string& patterns, const std::string& body,
                      std::string_view indent) {
  return std::string{indent} + patterns + ") " + body + " ;;\n";
}

/// Each of the option's names at `path`, as the pattern of a case.
std::string patterns_of(const std::string& path, const OptionRow& option) {
  std::vector<std::string> patterns;
  for (const std::string& name : option.names) patterns.push_back("\"" + path + "|" + name + "\"");
  return join(patterns, " | ");
}

std::string walk_cases(const std::vector<CommandPath>& paths) {
  std::string text;
  for (const CommandPath& each : paths) {
    for (const CommandRow& below : each.command->commands) {
      const std::string longer = each.path.empty() ? below.name : each.path + " " + below.name;
      text += make_case("\"" + each.path + "|" + below.name + "\"", "path=\"" + longer + "\"",
                        "      ");
    }
    for (const OptionRow& option : each.command->options) {
      if (!option.takes_value) continue;
      text += make_case(patterns_of(each.path, option), "awaited=\"$word\"", "      ");
    }
  }
  return text;
}

std::string value_cases(const std::vector<CommandPath>& paths) {
  std::string text;
  for (const CommandPath& each : paths) {
    for (const OptionRow& option : each.command->options) {
      if (!option.takes_value) continue;
      text += make_case(patterns_of(each.path, option), offer(option.value), "      ");
    }
  }
  return text;
}

std::string option_cases(const std::vector<CommandPath>& paths) {
  std::string text;
  for (const CommandPath& each : paths) {
    std::vector<std::string> names;
    for (const OptionRow& option : each.command->options) {
      names.insert(names.end(), option.names.begin(), option.names.end());
    }
    text += make_case("\"" + each.path + "\"", offer({false, names}), "      ");
  }
  return text;
}

std::string positional_cases(const std::vector<CommandPath>& paths) {
  std::string text;
  for (const CommandPath& each : paths) {
    const auto& positionals = each.command->positionals;
    std::size_t first = 0;
    if (!each.command->commands.empty()) {
      std::string body = offer({false, names_of(each.command->commands)});
      // A command with others below it may take a file in their place.
      if (!positionals.empty() && positionals.front().value.is_file) body += " files=1";
      text += make_case("\"" + each.path + "|0\"", body, "      ");
      first = 1;
    }
    for (std::size_t index = first; index < positionals.size(); ++index) {
      const ValueRow& value = positionals[index].value;
      if (!value.is_file && value.words.empty()) continue;
      text +=
          make_case("\"" + each.path + "|" + std::to_string(index) + "\"", offer(value), "      ");
    }
  }
  return text;
}

}  // namespace

std::string make_bash_completion(const CommandRow& program) {
  const auto paths = list_paths(program);
  return head + walk_cases(paths) + middle + value_cases(paths) +
         "    esac\n  elif [[ $current == -* ]]; then\n    case \"$path\" in\n" +
         option_cases(paths) + "    esac\n  else\n    case \"$path|$position\" in\n" +
         positional_cases(paths) + tail;
}

}  // namespace signalbox::cli
