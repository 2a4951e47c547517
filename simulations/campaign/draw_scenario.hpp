// Draws a whole scenario from one seed: profiles, servers, clients, and what goes wrong. Every run
// leaves out features at random, so that those which are left meet each other more often (Groce et
// al., "Swarm testing", 2012).
#pragma once

#include <cstdint>

#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// @param tasks calls that are made in all, but for those that are made twice. @pre above 0.
/// @returns the same for the same seed, for ever: nothing of it depends on what ran before.
Scenario draw_scenario(std::uint64_t seed, std::uint64_t tasks);

}  // namespace signalbox::sim
