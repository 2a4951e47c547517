#include "simulations/scenario/work_clock.hpp"

#include "core/base/error.hpp"

namespace signalbox::sim {

std::int64_t Slowdown::stretch(std::size_t calls) const {
  SIGNALBOX_ASSERT(calls > 0);
  const auto others = static_cast<std::int64_t>(calls) - 1;
  const std::int64_t beyond = others + 1 > knee ? others + 1 - knee : 0;
  return 1000 + others * per_call + beyond * per_call_beyond;
}

}  // namespace signalbox::sim
