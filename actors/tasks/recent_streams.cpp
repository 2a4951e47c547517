#include "actors/tasks/recent_streams.hpp"

namespace signalbox::actors {
namespace {

std::size_t bytes_of(const HeldStream& stream) {
  std::size_t bytes = 0;
  for (const StreamPart& part : stream) bytes += part.data->size();
  return bytes;
}

}  // namespace

void RecentStreams::keep(TaskId task, HeldStream stream) {
  if (stream.empty() || !x_streams.try_emplace(task, std::move(stream)).second) return;
  x_order.push_back(task);
  x_bytes += bytes_of(x_streams.at(task));
  while (x_order.size() > tasks_max || x_bytes > bytes_max) forget_oldest();
}

const HeldStream* RecentStreams::find(TaskId task) const {
  const auto place = x_streams.find(task);
  return place == x_streams.end() ? nullptr : &place->second;
}

void RecentStreams::forget_oldest() {
  const auto place = x_streams.find(x_order.front());
  x_bytes -= bytes_of(place->second);
  x_streams.erase(place);
  x_order.pop_front();
}

}  // namespace signalbox::actors
