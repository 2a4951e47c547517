#include "cli/completion/completion.hpp"

namespace signalbox::cli {
namespace {

void add_paths(const std::string& path, const CommandRow& command,
               std::vector<CommandPath>& paths) {
  paths.push_back({path, &command});
  for (const CommandRow& below : command.commands) {
    add_paths(path.empty() ? below.name : path + " " + below.name, below, paths);
  }
}

}  // namespace

std::string make_completion(Shell shell, const CommandRow& program) {
  switch (shell) {
    case Shell::bash:
      return make_bash_completion(program);
    case Shell::zsh:
      return make_zsh_completion(program);
    case Shell::fish:
      return make_fish_completion(program);
  }
  return "";
}

std::vector<CommandPath> list_paths(const CommandRow& program) {
  std::vector<CommandPath> paths;
  add_paths("", program, paths);
  return paths;
}

std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined += separator;
    joined += word;
  }
  return joined;
}

std::vector<std::string> names_of(const std::vector<CommandRow>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CommandRow& command : commands) names.push_back(command.name);
  return names;
}

}  // namespace signalbox::cli
