#include "actors/tasks/listeners.hpp"

#include <algorithm>

namespace signalbox::actors {

Listeners::Listener& Listeners::add(CallNumber call, TaskListener handle, bool is_observer) {
  x_all.push_back({call, std::move(handle), is_observer, false});
  return x_all.back();
}

bool Listeners::remove(CallNumber call, const TaskListener& handle) {
  return std::erase_if(x_all, [&](const Listener& listener) {
           return listener.call == call && listener.handle == handle;
         }) > 0;
}

std::uint64_t Listeners::hold(const Bytes& data, std::uint32_t count, bool is_kept) {
  const std::uint64_t first = x_events + 1;
  x_events += count;
  if (!is_kept) {
    x_has_gap = true;
    return first;
  }
  x_held.push_back({data, first});
  x_held_bytes += data->size();
  while (x_held_bytes > held_bytes_max) {
    x_held_bytes -= x_held.front().data->size();
    x_held.pop_front();
    x_has_gap = true;
  }
  return first;
}

void Listeners::forget_held() {
  x_held.clear();
  x_held_bytes = 0;
  x_events = 0;
  x_has_gap = false;
}

bool Listeners::has_callers() const {
  return std::any_of(x_all.begin(), x_all.end(),
                     [](const Listener& listener) { return !listener.is_observer; });
}

bool Listeners::has_reader() const {
  return std::any_of(x_all.begin(), x_all.end(), [](const Listener& listener) {
    return !listener.is_observer && listener.has_begun;
  });
}

}  // namespace signalbox::actors
