// Variants of one scenario, run on the same traffic over several seeds: what differs between them
// is due to the variant, and how far that can be trusted is said with it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/priority.hpp"
#include "simulations/figures/interval.hpp"
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

/// What is compared, of one class.
enum class Measure : std::uint8_t { mean_wait, p95_wait, p99_wait, max_wait, done };
inline constexpr std::array all_measures{Measure::mean_wait, Measure::p95_wait, Measure::p99_wait,
                                         Measure::max_wait, Measure::done};

/// @returns "mean wait", "p99 wait", ...
const char* to_string(Measure measure);
/// @returns "s" or "share".
const char* unit_of(Measure measure);

/// One variant's runs.
struct VariantRuns {
  std::string name;
  /// [class][measure][seed]. Waits in seconds; `done` is the share of the calls made.
  std::array<std::array<std::vector<double>, all_measures.size()>, priority_count> values;
  /// Share of the slots' time in use, all profiles together, by seed.
  std::vector<double> utilisation;
  /// Of the first seed: the wait that so many per cent of a class do not exceed, 0 to 100; the line
  /// over time, and the seconds of each point. For pictures.
  std::array<std::vector<double>, priority_count> wait_quantiles;
  std::vector<double> line;
  std::uint64_t line_seconds = 1;
  std::uint64_t trace_hash = 0;
};

struct Comparison {
  std::string scenario;
  std::vector<std::uint64_t> seeds;
  /// The first is what the others are compared with.
  std::vector<VariantRuns> variants;
  /// Classes that made calls.
  std::vector<Priority> classes;
};

/// @returns the variant's own figure.
Interval estimate(const VariantRuns& variant, Priority priority, Measure measure);

/// @returns variant minus base, seed by seed: far narrower than the difference of two estimates.
Interval difference(const VariantRuns& base, const VariantRuns& variant, Priority priority,
                    Measure measure);

/// Runs every variant with every seed. @param on_run is told how many runs are done.
/// @pre there are variants and seeds. @returns what went wrong with the first run that could not be
/// made.
Result<Comparison> compare(const std::vector<Variant>& variants,
                           const std::vector<std::uint64_t>& seeds, const std::string& traces,
                           const std::function<void(std::size_t)>& on_run);

}  // namespace signalbox::sim
