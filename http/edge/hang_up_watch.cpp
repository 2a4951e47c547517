#include "http/edge/hang_up_watch.hpp"

#include <utility>

namespace signalbox::http {

void HangUpWatch::fire() {
  std::unique_lock lock(x_mutex);
  if (x_state != State::armed) return;
  x_state = State::calling;
  auto callback = std::exchange(x_callback, nullptr);
  lock.unlock();
  try {
    callback();
  } catch (...) {
    // A handler that cannot be told learns of it from its next write. The hub must go on.
  }
  // What the callback holds may refer to the handler's frame, which end() keeps until here.
  callback = nullptr;
  lock.lock();
  x_state = State::over;
  x_called.notify_all();
}

void HangUpWatch::end() {
  std::unique_lock lock(x_mutex);
  if (x_state == State::armed) {
    x_state = State::over;
    x_callback = nullptr;
  }
  x_called.wait(lock, [&] { return x_state == State::over; });
}

}  // namespace signalbox::http
