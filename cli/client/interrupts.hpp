// Ctrl-C as an event instead of an end.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

namespace signalbox::cli {

class Interrupts {
 public:
  /// From now on SIGINT does nothing but call `on_interrupt`, in a thread of its own. @pre the
  /// process has one thread, so that no other takes the signal.
  explicit Interrupts(std::function<void()> on_interrupt);
  /// Signals are as before.
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  sigset_t x_before{};
  std::atomic<bool> x_is_over{false};
  std::thread x_thread;
};

}  // namespace signalbox::cli
