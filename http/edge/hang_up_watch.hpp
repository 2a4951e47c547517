// One wish to hear of a client's hang-up, shared by the handler that has it and the hub that sees
// it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

namespace signalbox::http {

class HangUpWatch {
 public:
  explicit HangUpWatch(std::function<void()> callback) : x_callback(std::move(callback)) {}

  /// Calls back, unless it has or the watch has ended. From the hub's thread.
  void fire();

  /// From here on nothing is called. Waits for a callback in progress. From the handler's thread.
  void end();

 private:
  //   armed ── fire() ──▶ calling ──▶ over
  //     └────── end() ────────────────▶
  enum class State { armed, calling, over };

  std::mutex x_mutex;
  std::condition_variable x_called;
  State x_state = State::armed;
  std::function<void()> x_callback;
};

}  // namespace signalbox::http
