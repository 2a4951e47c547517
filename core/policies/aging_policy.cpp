#include "core/policies/aging_policy.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/policies/least_rank.hpp"

namespace signalbox {
namespace {

/// Waits beyond this are equal: weight times wait must fit into 63 bits.
constexpr std::chrono::hours longest_wait{24 * 100};
static_assert(std::chrono::nanoseconds{longest_wait}.count() <
              std::numeric_limits<std::int64_t>::max() / aging_weight_max);

}  // namespace

std::size_t AgingPolicy::pick(std::span<const QueueHead> heads, Instant now) const {
  const auto rank = [&](const QueueHead& head) {
    const Duration waited = std::clamp<Duration>(now - head.waiter->enqueued_at, Duration::zero(),
                                                 Duration{longest_wait});
    const std::int64_t age = waited.count() * x_weights[to_index(head.priority)];
    return std::tuple{-age, head.priority, head.sequence};
  };
  return least_rank(heads, rank);
}

}  // namespace signalbox
