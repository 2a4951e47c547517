#include "simulations/campaign/draw_admission.hpp"

#include <array>

namespace signalbox::sim {
namespace {

SlotBounds draw_bounds(const ProfileSettings& settings, RandomStream& random) {
  SlotBounds bounds;
  bounds.min = settings.policy_options.reserve_interactive + 1;
  bounds.max = bounds.min + static_cast<std::uint32_t>(random.below(8));
  return bounds;
}

}  // namespace

void draw_admission(Scenario& scenario, RandomStream& random) {
  for (auto& [name, settings] : scenario.profiles) {
    if (random.below(100) < 15) settings.tune_slots = draw_bounds(settings, random);
    const bool may_hold = settings.policy == "swap" && random.below(2) == 0;
    if (!may_hold) continue;
    constexpr std::array holds{0.05, 0.5, 3.0};
    settings.policy_options.swap_hold_s = holds[random.below(holds.size())];
    settings.policy_options.swap_min_batch = 2 + static_cast<std::uint32_t>(random.below(3));
  }
}

}  // namespace signalbox::sim
