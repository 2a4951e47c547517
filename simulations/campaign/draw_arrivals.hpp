// When the clients of a drawn scenario call, where it is neither at random nor on a beat.
#pragma once

#include "simulations/scenario/random.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Some clients come to call in bursts, in clusters, or as users who wait for their answers, about
/// as often as before. From a stream of its own, so that the rest of a drawn scenario stays what it
/// is.
void draw_arrivals(Scenario& scenario, RandomStream& random);

}  // namespace signalbox::sim
