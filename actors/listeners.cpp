#include "actors/listeners.hpp"

#include <algorithm>

namespace signalbox::actors {

bool Listeners::remove(CallNumber call, const TaskListener& handle) {
  return std::erase_if(x_all, [&](const Listener& listener) {
           return listener.call == call && listener.handle == handle;
         }) > 0;
}

void Listeners::hold(const Bytes& data) {
  if (x_has_overflown) return;
  x_held_bytes += data->size();
  if (x_held_bytes <= held_bytes_max) {
    x_held.push_back(data);
    return;
  }
  x_held.clear();
  x_has_overflown = true;
}

void Listeners::forget_held() {
  x_held.clear();
  x_held_bytes = 0;
  x_has_overflown = false;
}

bool Listeners::has_reader() const {
  return std::any_of(x_all.begin(), x_all.end(),
                     [](const Listener& listener) { return listener.has_begun; });
}

}  // namespace signalbox::actors
