// `signalbox get --watch`: a list that is painted anew, or one task from its first state to its
// last.
#pragma once

#include "cli/arguments.hpp"
#include "cli/client/api_client.hpp"
#include "core/ports.hpp"

namespace signalbox::cli {

/// Ends with the task, with a failure, or by Ctrl-C. @returns the process's exit code.
int run_watch(const ApiClient& client, const GetOptions& options, WallClock& clock);

}  // namespace signalbox::cli
