// `signalbox slot`: a command that runs while it holds a slot.
#pragma once

#include "cli/slot/slot_arguments.hpp"

namespace signalbox::cli {

/// @pre the process has one thread, and its signals are as it was started with. @returns the
/// process's exit code: the command's own, or why it was not run or not left to its end.
int run_slot(const SlotRequest& request);

}  // namespace signalbox::cli
