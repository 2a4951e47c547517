// What a simulated server says in one call: as its law has it, or as a fault spoils it.
#pragma once

#include "actors/backends/playback_actor.hpp"
#include "simulations/scenario/fault.hpp"
#include "simulations/scenario/laws.hpp"

namespace signalbox::sim {

/// Events of a stream, however many tokens it has: what they are for is that a reader has seen one.
inline constexpr std::uint32_t stream_events_max = 4;

/// @param time how long the whole call takes, on a good day. @param fault null = none.
actors::Playback script_call(Duration time, const CallSize& size, bool streaming,
                             const Fault* fault);

}  // namespace signalbox::sim
