// Runs a scenario: the daemon's own actors on a virtual clock, calls made as the workload says,
// backends that take as long as their laws say, and what goes wrong meanwhile. Ends when the last
// task has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "simulations/figures/figures.hpp"
#include "simulations/figures/recorder.hpp"
#include "simulations/scenario/scenario.hpp"
#include "simulations/world/run_checker.hpp"

namespace signalbox::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  /// The folder that traces' names are relative to.
  std::string traces = {};
  /// In place of the scenario's.
  std::optional<std::uint64_t> schedule_seed = {};
  /// Keep what the trace's hash was after every so many events; 0 = only at the end.
  std::uint64_t hash_every = 0;
  /// May be null.
  RunObserver* observer = nullptr;
  /// May be null. With one, the run goes on for `quiet_period` when the last task has ended, and
  /// stops when something is broken.
  RunChecker* checker = nullptr;
};

/// Timers of calls that are over, and whatever else has been put off, are done with by then.
inline constexpr std::chrono::seconds quiet_period{120};

/// @returns what the run came to, or invalid_request when a profile's settings or a trace cannot be
/// used, or when calls never end.
Result<RunFigures> run(const Scenario& scenario, const RunOptions& options);

}  // namespace signalbox::sim
