// `signalbox sim experiment` and `sim experiments`: claims about scheduling, each run and judged by
// one command.
#pragma once

#include "cli/sim/sim_arguments.hpp"

namespace signalbox::cli {

/// Figures and verdicts go to stdout, the same for the same seeds; how far it is and the time it
/// took go to stderr. @returns the process's exit code: `failure` when the claim does not hold.
int run_experiment(const ExperimentOptions& options);

/// Names and titles of those that come with the program.
int list_experiments();

}  // namespace signalbox::cli
