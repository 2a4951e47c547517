#include "simulations/scenario.hpp"

namespace signalbox::sim {

void set_policy(Scenario& scenario, const std::string& policy) {
  for (auto& [name, settings] : scenario.profiles) settings.policy = policy;
}

void set_slots(Scenario& scenario, std::uint32_t slots) {
  for (auto& [name, settings] : scenario.profiles) settings.max_concurrent = slots;
}

std::uint32_t count_slots(const Scenario& scenario) {
  std::uint32_t slots = 0;
  for (const auto& [name, settings] : scenario.profiles) {
    slots += settings.max_concurrent.value_or(1);
  }
  return slots;
}

}  // namespace signalbox::sim
