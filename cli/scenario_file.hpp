// Scenario files as the `sim` commands read and write them.
#pragma once

#include <string>

#include "cli/failure.hpp"
#include "simulations/scenario.hpp"

namespace signalbox::cli {

/// @param path "-" = stdin.
Outcome<std::string> read_whole_file(const std::string& path);

/// @returns the scenario, or every slip in its file with its place.
Outcome<sim::Scenario> load_scenario(const std::string& path);

/// An earlier file is replaced. @returns false when it cannot be written.
bool write_whole_file(const std::string& path, const std::string& text);

}  // namespace signalbox::cli
