// `signalbox sim fuzz`: a campaign of drawn scenarios, and what came of it.
#pragma once

#include "cli/sim/sim_arguments.hpp"

namespace signalbox::cli {

/// What was seen goes to stdout, the same for the same seeds; the time it took goes to stderr.
/// @returns the process's exit code: failure when a promise was broken or a rare path never taken.
int run_fuzz(const FuzzOptions& options);

}  // namespace signalbox::cli
