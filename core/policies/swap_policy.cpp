#include "core/policies/swap_policy.hpp"

#include <algorithm>
#include <tuple>

#include "core/policies/least_rank.hpp"

namespace signalbox {

bool SwapPolicy::is_overdue(const QueueHead& head, Instant now) const {
  return now - head.waiter->enqueued_at >= x_max_bypass;
}

std::optional<Instant> SwapPolicy::held_until(const QueueHead& head, Instant now) const {
  const bool may_be_held = head.batch && head.priority != Priority::interactive &&
                           head.batch->calls < x_min_batch && !is_overdue(head, now);
  if (!may_be_held) return std::nullopt;
  const Instant until =
      std::min(head.batch->since + x_hold, head.waiter->enqueued_at + x_max_bypass);
  return until > now ? std::optional{until} : std::nullopt;
}

std::size_t SwapPolicy::pick(std::span<const QueueHead> heads, Instant now) const {
  const auto rank = [&](const QueueHead& head) {
    const bool passes = !is_overdue(head, now);
    return std::tuple{head.priority, passes, passes && !head.is_loaded,
                      held_until(head, now).has_value(), head.sequence};
  };
  return least_rank(heads, rank);
}

}  // namespace signalbox
