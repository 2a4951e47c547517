// What the commands of `signalbox sim` read and write.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/client/failure.hpp"
#include "config/violation.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::cli {

/// @param path "-" = stdin.
Outcome<std::string> read_file(const std::string& path);

/// All of them, a line each.
Failure to_usage_failure(const std::vector<config::Violation>& violations);

/// @returns the scenario, or every slip in its file with its place.
Outcome<sim::Scenario> load_scenario(const std::string& path);

/// Why a run could not be made. @param traces the folder that was named, if any.
Failure to_failure(const Error& error, const std::string& traces, const sim::Scenario& scenario);

/// An earlier file is replaced. @returns false when it cannot be written.
bool write_file(const std::string& path, const std::string& text);

/// Writes names and texts into the folder, which is made if need be. @returns false when one cannot
/// be written.
bool write_files(const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace signalbox::cli
