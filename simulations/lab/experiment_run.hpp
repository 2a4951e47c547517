// Runs an experiment and judges its claim.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "simulations/figures/interval.hpp"
#include "simulations/lab/experiment.hpp"

namespace signalbox::sim {

struct ExperimentOptions {
  /// At least one.
  std::vector<std::uint64_t> seeds;
  /// Of scenarios that end after a number of calls; unset = as they say.
  std::optional<std::uint64_t> tasks = {};
  /// The folder that traces' names are relative to; empty = there are none, and variants that need
  /// one are left out.
  std::string traces = {};
};

struct VariantFigures {
  /// By Experiment::figures and seed; a figure that the variant does not have has no values.
  std::vector<std::vector<double>> values;
  /// It needs traces, and there are none.
  bool is_left_out = false;
  /// Of the first seed.
  std::uint64_t trace_hash = 0;
};

enum class Verdict : std::uint8_t { holds, fails, left_out };

struct Finding {
  /// What was found of the expectation's figure.
  Interval found;
  /// What it is held against: the number, or so many times what the other variant came to.
  double expected = 0;
  Verdict verdict = Verdict::left_out;
};

struct ExperimentResult {
  std::vector<std::uint64_t> seeds;
  std::optional<std::uint64_t> tasks;
  /// As in the experiment.
  std::vector<VariantFigures> variants;
  /// By Experiment::expectations.
  std::vector<Finding> findings;

  [[nodiscard]] bool holds() const;
};

/// @returns seeds 1 to `count`.
std::vector<std::uint64_t> first_seeds(std::uint64_t count);

/// @param on_run is told how many runs are done. @returns what went wrong with the first run that
/// could not be made.
Result<ExperimentResult> run_experiment(const Experiment& experiment,
                                        const ExperimentOptions& options,
                                        const std::function<void(std::size_t)>& on_run);

/// @param values by seed; without any, it fails. @param others of the variant that it is held
/// against, by seed too; without `times` they are not looked at. A difference between variants is
/// judged seed by seed.
Finding judge(const Expectation& expectation, const std::vector<double>& values,
              const std::vector<double>& others);

}  // namespace signalbox::sim
