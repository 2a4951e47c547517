// Scenarios that use every key a file has, with whatever values fit: not to be run, but to be
// written and read.
#pragma once

#include <cstdint>

#include "simulations/scenario/scenario.hpp"

namespace signalbox::testing {

sim::Scenario draw_any_scenario(std::uint64_t seed);

}  // namespace signalbox::testing
