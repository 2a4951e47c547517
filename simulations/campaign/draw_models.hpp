// Servers that load one of several models at a time.
#pragma once

#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// From a stream of its own. Whoever called a server that has models now calls one of them.
/// @pre the scenario has its servers, workers and clients.
void draw_models(Scenario& scenario, RandomStream& random);

}  // namespace signalbox::sim
