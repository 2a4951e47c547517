#include "cli/sim/sim_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/client/output.hpp"
#include "simulations/scenario/scenario_reader.hpp"

namespace signalbox::cli {

Outcome<std::string> read_file(const std::string& path) {
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

Failure to_usage_failure(const std::vector<config::Violation>& violations) {
  std::string slips;
  for (const config::Violation& violation : violations) {
    slips += (slips.empty() ? "" : "\n") + to_printable(config::to_string(violation));
  }
  return {ExitCode::usage, std::move(slips)};
}

Outcome<sim::Scenario> load_scenario(const std::string& path) {
  const auto text = read_file(path);
  if (text.has_error()) return text.error();
  auto read = sim::read_scenario(*text, path);
  if (read.violations.empty()) return std::move(read.scenario);
  return to_usage_failure(read.violations);
}

Failure to_failure(const Error& error, const std::string& traces, const sim::Scenario& scenario) {
  const auto& clients = scenario.clients;
  const bool lacks_folder =
      traces.empty() && std::any_of(clients.begin(), clients.end(), [](const auto& client) {
        return client.arrival.kind == sim::ArrivalKind::trace;
      });
  return {
      ExitCode::usage,
      error.message + (lacks_folder ? "; --traces or SIGNALBOX_TRACES names their folder" : "")};
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  file << text;
  file.close();
  return !file.fail();
}

bool write_files(const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& files) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  bool is_good = true;
  for (const auto& [name, text] : files) {
    is_good = write_file(folder + "/" + name, text) && is_good;
  }
  return is_good;
}

}  // namespace signalbox::cli
