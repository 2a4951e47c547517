#include "core/policies/wait_queue.hpp"

#include <algorithm>

#include "core/base/error.hpp"

namespace signalbox {
namespace {

constexpr std::size_t holes_kept = 64;

auto find_place(auto& items, std::uint64_t sequence) {
  return std::lower_bound(
      items.begin(), items.end(), sequence,
      [](const WaitQueue::Item& item, std::uint64_t wanted) { return item.sequence < wanted; });
}

}  // namespace

void WaitQueue::Lane::trim() {
  while (!items.empty() && items.front().id.is_nil()) {
    items.pop_front();
    holes.pop_front();
  }
  while (!items.empty() && items.back().id.is_nil()) {
    items.pop_back();
    holes.pop_back();
  }
  if (holes.size() > holes_kept && holes.size() > items.size() / 8) {
    std::erase_if(items, [](const Item& item) { return item.id.is_nil(); });
    holes.clear();
  }
}

WaitQueue::Lane& WaitQueue::lane(Priority priority, TargetIndex target) {
  auto& lanes = x_lanes[to_index(priority)];
  if (lanes.size() <= target) lanes.resize(target + 1);
  return lanes[target];
}

const WaitQueue::Lane* WaitQueue::find_lane(Priority priority, TargetIndex target) const {
  const auto& lanes = x_lanes[to_index(priority)];
  return target < lanes.size() ? &lanes[target] : nullptr;
}

void WaitQueue::push(Priority priority, TargetIndex target, Item item) {
  SIGNALBOX_ASSERT(!item.id.is_nil());
  auto& [items, holes] = lane(priority, target);
  if (items.empty() || items.back().sequence < item.sequence) {
    items.push_back(item);
  } else {
    const auto place = find_place(items, item.sequence);
    if (place->sequence == item.sequence) {
      SIGNALBOX_ASSERT(place->id.is_nil());
      *place = item;
      holes.erase(std::lower_bound(holes.begin(), holes.end(), item.sequence));
    } else {
      items.insert(place, item);
    }
  }
  ++x_sizes[to_index(priority)];
}

bool WaitQueue::erase(Priority priority, TargetIndex target, std::uint64_t sequence) {
  Lane& from = lane(priority, target);
  const auto place = find_place(from.items, sequence);
  if (place == from.items.end() || place->sequence != sequence || place->id.is_nil()) return false;
  if (place == from.items.begin()) {
    from.items.pop_front();
  } else {
    place->id = TaskId{};
    from.holes.insert(std::lower_bound(from.holes.begin(), from.holes.end(), sequence), sequence);
  }
  from.trim();
  --x_sizes[to_index(priority)];
  return true;
}

std::optional<WaitQueue::Item> WaitQueue::front(Priority priority, TargetIndex target) const {
  const Lane* from = find_lane(priority, target);
  if (from == nullptr || from->items.empty()) return std::nullopt;
  return from->items.front();
}

std::size_t WaitQueue::size(Priority priority, TargetIndex target) const {
  const Lane* from = find_lane(priority, target);
  return from == nullptr ? 0 : from->items.size() - from->holes.size();
}

std::vector<TaskId> WaitQueue::ids(Priority priority, TargetIndex target) const {
  std::vector<TaskId> all;
  const Lane* from = find_lane(priority, target);
  if (from == nullptr) return all;
  for (const Item& item : from->items) {
    if (!item.id.is_nil()) all.push_back(item.id);
  }
  return all;
}

std::size_t WaitQueue::count_before(Priority priority, std::uint64_t sequence) const {
  std::size_t count = 0;
  for (const Lane& each : x_lanes[to_index(priority)]) {
    const auto end = find_place(each.items, sequence);
    count += static_cast<std::size_t>(end - each.items.begin());
    const auto holes_end = std::lower_bound(each.holes.begin(), each.holes.end(), sequence);
    count -= static_cast<std::size_t>(holes_end - each.holes.begin());
  }
  return count;
}

}  // namespace signalbox
