#include "core/swap_policy.hpp"

#include <tuple>

namespace signalbox {

std::size_t SwapPolicy::pick(std::span<const QueueHead> heads, Instant now) const {
  const auto rank = [&](const QueueHead& head) {
    const bool is_overdue = now - head.waiter->enqueued_at >= x_max_bypass;
    return std::tuple{head.priority, !is_overdue, !is_overdue && !head.is_loaded, head.sequence};
  };
  std::size_t best = 0;
  auto best_rank = rank(heads[0]);
  for (std::size_t index = 1; index < heads.size(); ++index) {
    const auto each = rank(heads[index]);
    if (each < best_rank) {
      best = index;
      best_rank = each;
    }
  }
  return best;
}

}  // namespace signalbox
