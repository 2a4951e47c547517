#include "core/policies/shortest_job_policy.hpp"

#include <tuple>

#include "core/base/error.hpp"
#include "core/policies/least_rank.hpp"

namespace signalbox {

std::size_t ShortestJobPolicy::pick(std::span<const QueueHead> heads, Instant now) const {
  // The longest waiting of each lane is among the heads, so whoever is overdue longest is, too.
  const auto rank = [&](const QueueHead& head) {
    const bool is_overdue = now - head.waiter->enqueued_at >= x_max_bypass;
    return std::tuple{head.priority, !is_overdue, is_overdue ? 0 : predicted_work(*head.waiter),
                      head.sequence};
  };
  return least_rank(heads, rank);
}

void ShortestJobPolicy::enter(const Lane& lane, const WaiterView& waiter) {
  x_lanes[lane].emplace(Place{predicted_work(waiter), waiter.sequence}, &waiter);
}

void ShortestJobPolicy::leave(const Lane& lane, const WaiterView& waiter) {
  const auto place = x_lanes.find(lane);
  SIGNALBOX_ASSERT(place != x_lanes.end());
  place->second.erase({predicted_work(waiter), waiter.sequence});
  if (place->second.empty()) x_lanes.erase(place);
}

const WaiterView* ShortestJobPolicy::first(const Lane& lane) const {
  const auto place = x_lanes.find(lane);
  return place == x_lanes.end() ? nullptr : place->second.begin()->second;
}

}  // namespace signalbox
