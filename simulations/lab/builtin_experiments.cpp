#include "simulations/lab/builtin_experiments.hpp"

#include <algorithm>

namespace signalbox::sim {

std::vector<std::string> builtin_experiments() {
  constexpr std::string_view ending = "/experiment.yaml";
  std::vector<std::string> names;
  for (const BuiltinFile& file : builtin_files()) {
    if (!file.path.ends_with(ending)) continue;
    names.emplace_back(file.path.substr(0, file.path.size() - ending.size()));
  }
  return names;
}

std::optional<std::string> find_builtin_file(const std::string& path) {
  const auto files = builtin_files();
  const auto* const found =
      std::find_if(files.data(), files.data() + files.size(),
                   [&](const BuiltinFile& file) { return file.path == path; });
  if (found == files.data() + files.size()) return std::nullopt;
  return std::string{found->text};
}

}  // namespace signalbox::sim
