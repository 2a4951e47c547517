// What drawn profiles do beside the order of their grants: tune their slots, hold swaps back.
#pragma once

#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// From a stream of its own, so that the rest of a drawn scenario stays what it is.
void draw_admission(Scenario& scenario, RandomStream& random);

}  // namespace signalbox::sim
