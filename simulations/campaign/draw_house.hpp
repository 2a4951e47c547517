// What else a drawn scenario's house has: choices of its pools, sessions, apps that hold slots.
// Drawn from a stream of its own.
#pragma once

#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// @pre the scenario has its profiles, servers and clients. @param gap between two calls of a
/// client. @param has_beat all times are multiples of one.
void draw_house(Scenario& scenario, Duration gap, bool has_beat, RandomStream& random);

}  // namespace signalbox::sim
