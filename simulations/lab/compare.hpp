// Variants of one scenario, run on the same traffic over several seeds: what differs between them
// is due to the variant, and how far that can be trusted is said with it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/priority.hpp"
#include "simulations/figures/curves.hpp"
#include "simulations/figures/interval.hpp"
#include "simulations/figures/line_curve.hpp"
#include "simulations/lab/experiment_figures.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

struct Variant {
  std::string name;
  Scenario scenario;
};

/// @returns every policy with every number of slots, in that order; an empty list leaves what the
/// scenario says.
std::vector<Variant> make_variants(const Scenario& scenario,
                                   const std::vector<std::string>& policies,
                                   const std::vector<std::uint32_t>& slots);

/// One variant's runs.
struct VariantRuns {
  std::string name;
  /// By Comparison::figures and seed; empty where some run has no such figure.
  std::vector<std::vector<double>> values;
  /// By seed.
  std::vector<std::uint64_t> trace_hashes;
  /// An earlier variant that made the very same runs, with every seed: index in
  /// Comparison::variants.
  std::optional<std::size_t> same_as = {};
  /// Of the first seed, for pictures.
  std::array<ChartPoints, priority_count> distributions;
  LineCurve line;
};

struct Comparison {
  std::string scenario;
  std::vector<std::uint64_t> seeds;
  /// What is measured: waits, latencies and ends of every class that makes calls, the use of every
  /// profile; calls that were sent back, models that were loaded and slots that were tuned, where
  /// that occurred.
  std::vector<FigureRef> figures;
  /// The first is what the others are compared with.
  std::vector<VariantRuns> variants;
  /// That make calls in any variant.
  std::vector<Priority> classes;
};

/// @param figure index in Comparison::figures. @returns the variant's own, or nothing where it has
/// no such figure.
std::optional<Interval> estimate(const VariantRuns& variant, std::size_t figure);

/// @returns variant minus base, seed by seed: far narrower than the difference of two estimates.
/// Nothing where one of them has no such figure.
std::optional<Interval> difference(const VariantRuns& base, const VariantRuns& variant,
                                   std::size_t figure);

/// @returns index in Comparison::figures, or nothing when it is not among them.
std::optional<std::size_t> find_figure(const Comparison& comparison, const FigureRef& figure);

/// Runs every variant with every seed. @param on_run is told how many runs are done.
/// @pre there are variants and seeds. @returns what went wrong with the first run that could not be
/// made.
Result<Comparison> compare(const std::vector<Variant>& variants,
                           const std::vector<std::uint64_t>& seeds, const std::string& traces,
                           const std::function<void(std::size_t)>& on_run);

}  // namespace signalbox::sim
