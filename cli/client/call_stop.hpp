// Ends a call to the daemon from another thread: Ctrl-C in a conversation ends the answer, not the
// program.
#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace signalbox::cli {

class CallStop {
 public:
  /// Ends the call that runs now, if one does.
  void stop() {
    const std::lock_guard lock{x_mutex};
    if (!x_end_call) return;
    x_is_stopped = true;
    x_end_call();
  }

  /// A call runs from now on. @param end_call makes it return soon; called from any thread.
  void begin(std::function<void()> end_call) {
    const std::lock_guard lock{x_mutex};
    x_is_stopped = false;
    x_end_call = std::move(end_call);
  }

  /// The call is over. @returns whether it was stopped.
  bool end() {
    const std::lock_guard lock{x_mutex};
    x_end_call = nullptr;
    return x_is_stopped;
  }

  [[nodiscard]] bool is_running() {
    const std::lock_guard lock{x_mutex};
    return x_end_call != nullptr;
  }

  [[nodiscard]] bool is_stopped() {
    const std::lock_guard lock{x_mutex};
    return x_is_stopped;
  }

 private:
  std::mutex x_mutex;
  std::function<void()> x_end_call;
  bool x_is_stopped = false;
};

}  // namespace signalbox::cli
