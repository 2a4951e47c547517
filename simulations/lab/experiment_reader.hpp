// An experiment's folder as an Experiment: experiment.yaml and the scenarios that it names, read as
// strictly as scenario files.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/violation.hpp"
#include "simulations/lab/experiment.hpp"

namespace signalbox::sim {

/// @returns the text of the file at that path, or nothing when it cannot be read.
using FileLookup = std::function<std::optional<std::string>(const std::string& path)>;

struct ExperimentFile {
  /// To be used only when there are no violations.
  Experiment experiment;
  std::vector<config::Violation> violations;
};

/// @param folder with experiment.yaml in it; its last part is the experiment's name. Scenarios are
/// named relative to it.
ExperimentFile read_experiment(const std::string& folder, const FileLookup& files);

}  // namespace signalbox::sim
