// Draws what goes wrong in a scenario.
#pragma once

#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Adds faults to `scenario`, sorted by time.
/// @param length how long calls are made. @param has_beat times are multiples of 50 ms.
/// @pre the scenario has profiles and servers.
void draw_faults(Scenario& scenario, Duration length, bool has_beat, RandomStream& random);

}  // namespace signalbox::sim
