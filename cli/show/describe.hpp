// `signalbox describe`: all there is to know about one task, worker, LLM, agent or profile.
#pragma once

#include "cli/arguments.hpp"
#include "core/base/time.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_describe(const DescribeOptions& options, WallTime now);

}  // namespace signalbox::cli
