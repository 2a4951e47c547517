// Short words for the tests of config/.
#pragma once

#include <string>
#include <vector>

#include "config/load.hpp"

namespace signalbox::config {

/// @returns the violations of `yaml` as lines, read as "f.yaml".
inline std::vector<std::string> problems(const std::string& yaml) {
  std::vector<std::string> lines;
  for (const Violation& violation : load(yaml, "f.yaml").violations) {
    lines.push_back(to_string(violation));
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace signalbox::config
