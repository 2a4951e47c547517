// Ctrl-C and SIGTERM as a file that becomes readable, for who waits in poll() and has processes to
// look after.
#pragma once

#include <csignal>

namespace signalbox::cli {

class StopSignals {
 public:
  /// From now on both do nothing else. @pre the process has one thread.
  StopSignals();
  /// Signals are as before.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Stays readable once one has come. -1 when there can be none.
  [[nodiscard]] int file() const { return x_file; }

 private:
  sigset_t x_before{};
  int x_file = -1;
};

}  // namespace signalbox::cli
