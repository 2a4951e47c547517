// Makes a scenario that fails as small as it can be made with the same failure: the fewest calls,
// faults, clients and servers, the simplest values. Knows nothing of what fails: it asks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Runs the scenario. @returns the name of what fails, or nothing. Must say the same of the same
/// scenario.
using FailureProbe = std::function<std::optional<std::string>(const Scenario&)>;

struct ShrinkLimits {
  /// Runs at most.
  std::uint64_t tries_max = 20'000;
  /// Asked before each run; true ends the search with what is found by then. May be empty.
  std::function<bool()> is_over = {};
  /// The folder that traces' names are relative to.
  std::string traces = {};
};

struct Shrunk {
  /// Can be written to a file and read from it.
  Scenario scenario;
  /// What failed in the scenario that was given, and fails in this one.
  std::string failure;
  std::uint64_t tries = 0;
  /// No single change that is known here makes it smaller; else a limit was reached before.
  bool is_minimal = false;
};

/// @returns nothing when the scenario does not fail.
std::optional<Shrunk> shrink(const Scenario& scenario, const FailureProbe& probe,
                             const ShrinkLimits& limits);

/// How large a scenario is.
struct ScenarioSize {
  /// All that its clients make.
  /// Of a closed client only the first of each user: the others are known to a run alone.
  std::uint64_t calls = 0;
  std::uint64_t clients = 0;
  std::uint64_t backends = 0;
  std::uint64_t profiles = 0;
  std::uint64_t faults = 0;

  friend bool operator==(const ScenarioSize&, const ScenarioSize&) = default;
};

/// @param traces as in ShrinkLimits; a scenario whose calls cannot be made counts none.
ScenarioSize measure(const Scenario& scenario, const std::string& traces);

}  // namespace signalbox::sim
