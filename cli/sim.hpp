// `signalbox sim`: a scenario on a virtual clock, and what came of it.
#pragma once

#include "cli/sim_arguments.hpp"

namespace signalbox::cli {

/// Figures go to stdout, the same for the same seed; the time it took goes to stderr.
/// @returns the process's exit code.
int run_sim(const SimOptions& options);

}  // namespace signalbox::cli
