#include "core/policies/swap_policy.hpp"

#include <tuple>

#include "core/policies/least_rank.hpp"

namespace signalbox {

std::size_t SwapPolicy::pick(std::span<const QueueHead> heads, Instant now) const {
  const auto rank = [&](const QueueHead& head) {
    const bool is_overdue = now - head.waiter->enqueued_at >= x_max_bypass;
    return std::tuple{head.priority, !is_overdue, !is_overdue && !head.is_loaded, head.sequence};
  };
  return least_rank(heads, rank);
}

}  // namespace signalbox
