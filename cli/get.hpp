// `signalbox get`: tasks, LLMs and profiles as tables, JSON or names.
#pragma once

#include "cli/arguments.hpp"
#include "core/time.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_get(const GetOptions& options, WallTime now);

}  // namespace signalbox::cli
