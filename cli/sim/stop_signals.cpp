#include "cli/sim/stop_signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace signalbox::cli {

StopSignals::StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  x_file = signalfd(-1, &signals, SFD_CLOEXEC);
  if (x_file >= 0) sigprocmask(SIG_BLOCK, &signals, &x_before);
}

StopSignals::~StopSignals() {
  if (x_file < 0) return;
  // One that has come is dealt with.
  timespec none{};
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  while (sigtimedwait(&signals, nullptr, &none) > 0) {
  }
  close(x_file);
  sigprocmask(SIG_SETMASK, &x_before, nullptr);
}

}  // namespace signalbox::cli
