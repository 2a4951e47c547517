// `signalbox sim` and `sim replay`: scenarios on a virtual clock, and what came of them.
#pragma once

#include "cli/sim/sim_arguments.hpp"

namespace signalbox::cli {

/// Figures go to stdout, the same for the same seed; the time it took goes to stderr.
/// @returns the process's exit code.
int run_sim(const SimOptions& options);

/// As run_sim(), with calls of the daemon's past.
int run_replay(const ReplayOptions& options);

}  // namespace signalbox::cli
