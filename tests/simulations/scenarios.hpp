// Scenario files of the tests and the examples, and where real traces are.
#pragma once

#include <optional>
#include <string>

#include "simulations/scenario/scenario.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::testing {

/// @returns the file's text. @param path from the project's root.
std::string read_project_file(const std::string& path);

/// @returns the scenario of that file, which must be in order. @param path from the project's root.
sim::Scenario load_scenario(const std::string& path);

/// @returns the scenario of simulations/experiments/e1_oracles/NAME.yaml, which must be in order.
sim::Scenario load_oracle(const std::string& name);

/// @returns the scenario of that text, which must be in order.
sim::Scenario read_whole_scenario(const std::string& text,
                                  const std::string& file_name = "text.yaml");

/// @returns the scenario of examples/scenarios/NAME.yaml, which must be in order.
sim::Scenario load_example(const std::string& name);

/// @returns the folder of SIGNALBOX_TRACES, else ../shared/traces beside the project, if it is
/// there.
std::optional<std::string> find_traces();

/// Runs it; what goes wrong fails the test.
sim::RunFigures run_scenario(const sim::Scenario& scenario, const sim::RunOptions& options);

}  // namespace signalbox::testing
