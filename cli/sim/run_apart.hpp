// Work in a process of its own: what breaks there breaks nothing here.
#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace signalbox::cli {

struct ApartResult {
  enum class Ending {
    /// The work came to its end.
    told,
    /// The process died of a signal.
    died,
    /// It was ended because it took too long.
    late,
  };
  Ending ending = Ending::told;
  /// What the work returned; of a process that died, what it last said on stderr. At most 64 KiB.
  std::string text;
};

/// Waits for it. @param work must not use the terminal. @pre this process has one thread.
ApartResult run_apart(const std::function<std::string()>& work, std::chrono::milliseconds patience);

}  // namespace signalbox::cli
