// A campaign: many scenarios, each drawn from a seed and run under the eyes of the invariants.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulations/campaign/invariants.hpp"
#include "simulations/figures/figures.hpp"

namespace signalbox::sim {

/// Failures that are printed of one campaign.
inline constexpr std::size_t failures_shown = 20;

/// One of so many seeds is run twice, and must do the same both times.
inline constexpr std::uint64_t seeds_per_repeat = 20;

/// Probes that were never hit are told as a failure from so many seeds on.
inline constexpr std::uint64_t seeds_for_probes = 200;

/// What one seed came to. Plain data: it is handed from process to process.
struct SeedFigures {
  std::uint64_t seed = 0;
  std::uint64_t tasks = 0;
  std::uint64_t messages = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t trace_hash = 0;
  FaultCounts faults{};
  ProbeCounts probes{};
  /// Indexed by CallStatus.
  std::array<std::uint64_t, call_status_count> ends{};
};

struct SeedRun {
  SeedFigures figures;
  std::optional<Violation> violation;
};

/// Runs one scenario under the invariants; twice, if `is_repeated`.
SeedRun run_checked(const Scenario& scenario, bool is_repeated = false);

/// Draws the seed's scenario and runs it.
SeedRun run_seed(std::uint64_t seed, std::uint64_t tasks);

struct SeedFailure {
  std::uint64_t seed = 0;
  /// One line: which invariant, when, what.
  std::string what;
  /// At the failure. Unset where nobody was left to tell it.
  std::optional<std::uint64_t> trace_hash = {};
};

std::string print_violation(const Violation& violation);

/// Adds up what seeds came to, in any order.
class Campaign {
 public:
  /// @param tasks of each scenario. @param build which one runs, for people who run another.
  explicit Campaign(std::uint64_t tasks, std::string build = {})
      : x_tasks{tasks}, x_build{std::move(build)} {}

  void add(const SeedFigures& figures);
  void fail(SeedFailure failure) { x_failures.push_back(std::move(failure)); }

  /// The same bytes for the same seeds, in whatever order they were run.
  [[nodiscard]] std::string print() const;
  /// What failed, the command that repeats it, and what it has to come to there.
  [[nodiscard]] std::string print(const SeedFailure& failure) const;
  [[nodiscard]] bool has_failed() const;
  [[nodiscard]] const SeedFigures& sums() const { return x_sums; }
  [[nodiscard]] std::uint64_t seeds() const { return x_seeds; }
  [[nodiscard]] std::size_t failures() const { return x_failures.size(); }

 private:
  [[nodiscard]] std::vector<Probe> missed() const;

  std::uint64_t x_tasks;
  std::string x_build;
  std::uint64_t x_seeds = 0;
  SeedFigures x_sums;
  std::vector<SeedFailure> x_failures;
};

}  // namespace signalbox::sim
