// The experiments that come with the program: the files of simulations/experiments/, compiled in.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace signalbox::sim {

struct BuiltinFile {
  /// From simulations/experiments/, as in "e1_oracles/o1.yaml".
  std::string_view path;
  std::string_view text;
};

/// In the order of their paths.
std::span<const BuiltinFile> builtin_files();

/// @returns the names of the folders with an experiment in them, in order.
std::vector<std::string> builtin_experiments();

/// @returns its text, or nothing when there is no such file.
std::optional<std::string> find_builtin_file(const std::string& path);

}  // namespace signalbox::sim
