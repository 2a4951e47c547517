#include "cli/scenario_file.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/output.hpp"
#include "simulations/scenario_reader.hpp"

namespace signalbox::cli {

Outcome<std::string> read_whole_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  const std::ifstream file{path, std::ios::binary};
  text << file.rdbuf();
  if (!file) return Failure{ExitCode::usage, "cannot read " + path};
  return text.str();
}

Outcome<sim::Scenario> load_scenario(const std::string& path) {
  const auto text = read_whole_file(path);
  if (text.has_error()) return text.error();
  auto read = sim::read_scenario(*text, path);
  if (read.violations.empty()) return std::move(read.scenario);
  std::string slips;
  for (const config::Violation& violation : read.violations) {
    slips += (slips.empty() ? "" : "\n") + to_printable(config::to_string(violation));
  }
  return Failure{ExitCode::usage, std::move(slips)};
}

bool write_whole_file(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  file << text;
  file.close();
  return !file.fail();
}

}  // namespace signalbox::cli
