// `signalbox sim compare`: variants of a scenario on the same calls, and what differs.
#pragma once

#include "cli/sim/sim_arguments.hpp"

namespace signalbox::cli {

/// How far it is goes to stderr, where that is a terminal.
int run_compare(const CompareOptions& options);

}  // namespace signalbox::cli
