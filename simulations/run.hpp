// Runs a scenario: the daemon's own actors on a virtual clock, calls made as the workload says,
// backends that take as long as their laws say. Ends when the last task has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "simulations/figures.hpp"
#include "simulations/recorder.hpp"
#include "simulations/scenario.hpp"

namespace signalbox::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  /// The folder that traces' names are relative to.
  std::string traces = {};
  /// Which ready actor runs next is drawn from this; unset = first come, first served.
  std::optional<std::uint64_t> schedule_seed = {};
  /// May be null.
  RunObserver* observer = nullptr;
};

/// @returns what the run came to, or invalid_request when a profile's settings or a trace cannot be
/// used.
Result<RunFigures> run(const Scenario& scenario, const RunOptions& options);

}  // namespace signalbox::sim
