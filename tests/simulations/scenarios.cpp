#include "tests/simulations/scenarios.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "simulations/scenario/scenario_reader.hpp"

namespace signalbox::testing {

std::string read_project_file(const std::string& path) {
  const std::ifstream file{std::filesystem::path{SIGNALBOX_SOURCE_DIR} / path};
  INFO(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

sim::Scenario load_scenario(const std::string& path) {
  return read_whole_scenario(read_project_file(path), path);
}

sim::Scenario load_oracle(const std::string& name) {
  return load_scenario("simulations/experiments/e1_oracles/" + name + ".yaml");
}

sim::Scenario read_whole_scenario(const std::string& text, const std::string& file_name) {
  const auto file = sim::read_scenario(text, file_name);
  for (const auto& violation : file.violations) FAIL_CHECK(config::to_string(violation));
  REQUIRE(file.violations.empty());
  return file.scenario;
}

sim::Scenario load_example(const std::string& name) {
  return load_scenario("examples/scenarios/" + name + ".yaml");
}

std::optional<std::string> find_traces() {
  const char* given = std::getenv("SIGNALBOX_TRACES");
  const std::filesystem::path beside =
      std::filesystem::path{SIGNALBOX_SOURCE_DIR} / "../shared/traces";
  const std::filesystem::path folder = given != nullptr ? std::filesystem::path{given} : beside;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) return std::nullopt;
  return folder.string();
}

sim::RunFigures run_scenario(const sim::Scenario& scenario, const sim::RunOptions& options) {
  auto figures = sim::run(scenario, options);
  if (figures.has_error()) FAIL(figures.error().message);
  return std::move(*figures);
}

}  // namespace signalbox::testing
