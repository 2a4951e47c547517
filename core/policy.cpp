#include "core/policy.hpp"

#include <tuple>

#include "core/error.hpp"

namespace signalbox {

std::size_t StrictPolicy::pick(std::span<const QueueHead> heads) const {
  std::size_t best = 0;
  for (std::size_t index = 1; index < heads.size(); ++index) {
    const auto& head = heads[index];
    if (std::tie(head.priority, head.sequence) <
        std::tie(heads[best].priority, heads[best].sequence)) {
      best = index;
    }
  }
  return best;
}

std::unique_ptr<Policy> make_policy(std::string_view name) {
  SIGNALBOX_ASSERT(name == "strict");
  return std::make_unique<StrictPolicy>();
}

}  // namespace signalbox
