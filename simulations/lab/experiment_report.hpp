// An experiment's outcome as text, as CSV, and as one HTML page that needs nothing else.
#pragma once

#include <string>

#include "simulations/lab/experiment.hpp"
#include "simulations/lab/experiment_run.hpp"

namespace signalbox::sim {

/// The figures of every variant, and each part of the claim with its verdict. For people; the same
/// bytes for the same experiment and seeds, anywhere.
std::string print_experiment(const Experiment& experiment, const ExperimentResult& result);

/// One line per variant and figure, with a header line.
std::string print_experiment_csv(const Experiment& experiment, const ExperimentResult& result);

/// Tables and charts.
std::string print_experiment_page(const Experiment& experiment, const ExperimentResult& result);

}  // namespace signalbox::sim
