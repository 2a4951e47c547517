#include "core/policies/strict_policy.hpp"

#include <algorithm>
#include <tuple>

#include "core/policies/least_rank.hpp"

namespace signalbox {

Rooms StrictPolicy::rooms(const SlotUse& use) const {
  Rooms rooms = Policy::rooms(use);
  if (x_reserve == 0) return rooms;
  const std::uint32_t theirs = use.slots > x_reserve ? use.slots - x_reserve : 0;
  std::uint32_t lower = 0;
  for (std::size_t index = 1; index < priority_count; ++index) lower += use.in_flight[index];
  for (std::size_t index = 1; index < priority_count; ++index) {
    rooms[index] = std::min(rooms[index], theirs > lower ? theirs - lower : 0);
  }
  return rooms;
}

std::size_t StrictPolicy::pick(std::span<const QueueHead> heads, Instant /*now*/) const {
  const bool is_trickle_due = x_trickle > 0 && x_passed + 1 >= x_trickle;
  const auto rank = [&](const QueueHead& head) {
    const bool is_out_of_turn = is_trickle_due && head.priority == Priority::background;
    return std::tuple{!is_out_of_turn, head.priority, head.sequence};
  };
  return least_rank(heads, rank);
}

void StrictPolicy::granted(std::span<const QueueHead> heads, std::size_t chosen) {
  if (x_trickle == 0) return;
  if (heads[chosen].priority == Priority::background) {
    x_passed = 0;
    return;
  }
  const bool is_passed = std::any_of(heads.begin(), heads.end(), [](const QueueHead& head) {
    return head.priority == Priority::background;
  });
  if (is_passed) ++x_passed;
}

}  // namespace signalbox
