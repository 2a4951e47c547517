#include "simulations/scenario/burst_clock.hpp"

namespace signalbox::sim {
namespace {

/// In the long run a burst goes on for such a share of the time.
bool draw_is_on(const OnOff& law, RandomStream& random) {
  const auto on = static_cast<std::uint64_t>(law.on.count());
  return random.below(on + static_cast<std::uint64_t>(law.off.count())) < on;
}

}  // namespace

// A gap that outlasts its burst is drawn anew in the next: gaps are memoryless.
Duration BurstClock::next(const OnOff& law, Duration gap, RandomStream& random) {
  Duration passed{};
  if (!x_has_begun) {
    x_has_begun = true;
    if (!draw_is_on(law, random)) passed += random.exponential(law.off);
    x_left = random.exponential(law.on);
  }
  while (true) {
    const Duration next = random.exponential(gap);
    if (next < x_left) {
      x_left -= next;
      return passed + next;
    }
    passed += x_left + random.exponential(law.off);
    x_left = random.exponential(law.on);
  }
}

}  // namespace signalbox::sim
