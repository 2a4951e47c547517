// `signalbox get`: tasks, workers, LLMs, agents, profiles, calls and pools as tables, JSON or
// names.
#pragma once

#include "cli/arguments.hpp"
#include "core/ports.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_get(GetOptions options, WallClock& clock);

}  // namespace signalbox::cli
