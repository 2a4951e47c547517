// `signalbox top`: what the daemon is doing, painted anew each second.
#pragma once

#include <chrono>

#include "cli/client/connection.hpp"
#include "core/ports.hpp"

namespace signalbox::cli {

struct TopOptions {
  Connection connection;
  /// Between two questions. Range: 100 ms..1 h.
  std::chrono::milliseconds interval{1000};
  /// One frame and no more, as where there is no terminal.
  bool once = false;
};

/// Ends with `q`, a signal, or when the first question fails. @pre the process has one thread.
/// @returns the process's exit code.
int run_top(const TopOptions& options, WallClock& clock);

}  // namespace signalbox::cli
