// `signalbox sim shrink`: a scenario that fails, made as small as it can be with the same failure.
#pragma once

#include "cli/sim/sim_arguments.hpp"

namespace signalbox::cli {

/// Prints what fails, what was taken away, and the command that runs what is left.
/// @returns the process's exit code; failure when the scenario does not fail.
int run_shrink(const ShrinkOptions& options);

}  // namespace signalbox::cli
