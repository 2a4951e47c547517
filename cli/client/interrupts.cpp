#include "cli/client/interrupts.hpp"

#include <utility>

namespace signalbox::cli {
namespace {

sigset_t interrupt_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

Interrupts::Interrupts(std::function<void()> on_interrupt) {
  const sigset_t signals = interrupt_signal();
  pthread_sigmask(SIG_BLOCK, &signals, &x_before);
  x_thread = std::thread{[this, signals, act = std::move(on_interrupt)] {
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && !x_is_over) act();
  }};
}

Interrupts::~Interrupts() {
  x_is_over = true;
  pthread_kill(x_thread.native_handle(), SIGINT);
  x_thread.join();
  pthread_sigmask(SIG_SETMASK, &x_before, nullptr);
}

}  // namespace signalbox::cli
