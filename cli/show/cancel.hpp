// `signalbox cancel`: ends tasks that nobody wants any more.
#pragma once

#include "cli/arguments.hpp"

namespace signalbox::cli {

/// All ids are tried, whatever becomes of the others. @returns the process's exit code: 0 when each
/// task is over now.
int run_cancel(const CancelOptions& options);

}  // namespace signalbox::cli
