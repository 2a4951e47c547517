#include "simulations/scenario/laws.hpp"

#include "core/base/error.hpp"

namespace signalbox::sim {

std::int64_t Law::draw(RandomStream& random) const {
  switch (kind) {
    case LawKind::constant:
      return low;
    case LawKind::uniform:
      SIGNALBOX_ASSERT(low <= high);
      return low +
             static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low) + 1));
    case LawKind::exponential:
      return random.exponential(Duration{low}).count();
  }
  return low;
}

Duration ServiceLaw::draw(const CallSize& size) const {
  if (size.service) return *size.service;
  RandomStream random{size.service_seed, "service"};
  return Duration{base.draw(random)} + per_token_in * size.tokens_in +
         per_token_out * size.tokens_out;
}

}  // namespace signalbox::sim
