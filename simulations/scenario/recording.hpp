// Calls that really were made, as a scenario: the same calls again, at the same times and as long,
// under other settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

struct RecordedCall {
  /// Times are since any one moment, the same for all.
  Duration queued_at{};
  /// How long it held its slot.
  Duration service{};
  Priority priority = Priority::workflow;
  std::string profile;
  std::string owner;
  std::string target;
  std::optional<std::uint32_t> tokens_in;
  std::optional<std::uint32_t> tokens_out;
  /// When it got its slot; what it waited is not told by the same clock.
  Duration admitted_at{};
  /// Rises from call to call: of calls at one time, which rows can tell to the millisecond only,
  /// the lowest came first. Empty = they came at once.
  std::string id = {};
};

/// A scenario that makes these calls, the first of them at its start. A profile has as many slots
/// as were in use at once, no bound that refuses and no budget that ends a call: those were in
/// force when the calls were recorded. Servers take whatever comes, and say afterwards what it came
/// to; callers say how long their prompts are.
/// @param calls in any order; at least one. @param traffic so many times as fast they come again.
/// Unit: 1/1,000.
Scenario replay_scenario(std::vector<RecordedCall> calls, const std::string& name,
                         std::uint32_t traffic = traffic_as_recorded);

/// What a trace of arrivals does not tell.
struct TraceReplay {
  /// Range: 1..10000.
  std::uint32_t slots = 1;
  ServiceLaw service;
};

/// A scenario of one client, who calls as the trace says. No bound refuses, no budget ends a call,
/// and sizes are known as above. @param arrival a trace, or calls one by one.
Scenario replay_trace(ArrivalLaw arrival, const TraceReplay& replay, const std::string& name);

}  // namespace signalbox::sim
