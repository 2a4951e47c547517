#include "simulations/campaign/campaign.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "simulations/campaign/draw_scenario.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::sim {
namespace {

/// Counts ends, by what callers and the store say.
class EndCounter final : public RunObserver {
 public:
  void ended(const EndedTask& task) override { ++x_ends[static_cast<std::size_t>(task.status)]; }
  void sampled(std::uint64_t, const LineState&) override {}
  [[nodiscard]] const std::array<std::uint64_t, call_status_count>& ends() const { return x_ends; }

 private:
  std::array<std::uint64_t, call_status_count> x_ends{};
};

template <class Counts>
void add_to(Counts& sums, const Counts& more) {
  for (std::size_t index = 0; index < sums.size(); ++index) sums[index] += more[index];
}

SeedRun run_once(const Scenario& scenario) {
  Invariants invariants{scenario};
  EndCounter ends;
  RunOptions options;
  options.seed = scenario.seed;
  options.observer = &ends;
  options.checker = &invariants;
  const auto figures = run(scenario, options);
  SeedRun result;
  result.figures.seed = scenario.seed;
  result.violation = invariants.violation();
  if (figures.has_error()) {
    result.violation = Violation{0, {}, "it cannot be run: " + figures.error().message};
    return result;
  }
  result.figures.tasks = figures->tasks;
  result.figures.messages = figures->messages;
  result.figures.simulated_ms = static_cast<std::uint64_t>(to_us(figures->length) / 1000);
  result.figures.trace_hash = figures->trace_hash;
  result.figures.faults = figures->faults;
  result.figures.probes = invariants.probes();
  result.figures.ends = ends.ends();
  return result;
}

}  // namespace

SeedRun run_checked(const Scenario& scenario, bool is_repeated) {
  SeedRun first = run_once(scenario);
  if (!is_repeated || first.violation) return first;
  const SeedRun second = run_once(scenario);
  if (second.figures.trace_hash != first.figures.trace_hash) {
    first.violation = Violation{15, {}, "a second run of the same seed came to something else"};
  }
  return first;
}

SeedRun run_seed(std::uint64_t seed, std::uint64_t tasks) {
  return run_checked(draw_scenario(seed, tasks), seed % seeds_per_repeat == 0);
}

std::string print_violation(const Violation& violation) {
  return fmt::format("I{} at {}.{:06} s: {}", violation.invariant, to_us(violation.at) / 1'000'000,
                     to_us(violation.at) % 1'000'000, violation.what);
}

void Campaign::add(const SeedFigures& figures) {
  ++x_seeds;
  x_sums.tasks += figures.tasks;
  x_sums.messages += figures.messages;
  x_sums.simulated_ms += figures.simulated_ms;
  // Any order gives the same.
  x_sums.trace_hash += figures.trace_hash;
  add_to(x_sums.faults, figures.faults);
  add_to(x_sums.probes, figures.probes);
  add_to(x_sums.ends, figures.ends);
}

std::vector<Probe> Campaign::missed() const {
  std::vector<Probe> probes;
  if (x_seeds <= seeds_for_probes) return probes;
  for (std::size_t index = 0; index < probe_count; ++index) {
    if (x_sums.probes[index] == 0) probes.push_back(static_cast<Probe>(index));
  }
  return probes;
}

bool Campaign::has_failed() const {
  return !x_failures.empty() || !missed().empty();
}

std::string Campaign::print(const SeedFailure& failure) const {
  std::string text = fmt::format("seed {}: {}\n  signalbox sim fuzz --seeds {} --tasks {}\n",
                                 failure.seed, failure.what, failure.seed, x_tasks);
  std::string build = x_build.empty() ? "" : "signalbox " + x_build;
  if (failure.trace_hash) {
    build += fmt::format("{}trace {:016x}", build.empty() ? "" : ", ", *failure.trace_hash);
  }
  if (!build.empty()) text += "  " + build + "\n";
  return text;
}

std::string Campaign::print() const {
  std::string text = fmt::format("seeds {}  tasks {}  messages {}  simulated {} s\n", x_seeds,
                                 x_sums.tasks, x_sums.messages, x_sums.simulated_ms / 1000);
  // That one seed leaves most of it out says nothing.
  const auto count = [&](std::uint64_t times, std::string_view what) {
    if (times > 0 || x_seeds > 1) text += fmt::format("{:>12}  {}\n", times, what);
  };
  text += "\nends\n";
  for (std::size_t index = 0; index < call_status_count; ++index) {
    if (x_sums.ends[index] == 0) continue;
    count(x_sums.ends[index], to_string(static_cast<CallStatus>(index)));
  }
  text += "\nfaults\n";
  for (const FaultShape& shape : fault_shapes()) {
    count(x_sums.faults[static_cast<std::size_t>(shape.kind)], shape.name);
  }
  text += "\nprobes\n";
  for (std::size_t index = 0; index < probe_count; ++index) {
    count(x_sums.probes[index], describe(static_cast<Probe>(index)));
  }
  text += fmt::format("\ntraces {:016x}\n", x_sums.trace_hash);
  for (const Probe probe : missed()) text += fmt::format("never hit: {}\n", describe(probe));
  std::vector<SeedFailure> failures = x_failures;
  std::sort(failures.begin(), failures.end(),
            [](const auto& left, const auto& right) { return left.seed < right.seed; });
  text += fmt::format("failures {}\n", failures.size());
  for (std::size_t index = 0; index < std::min(failures.size(), failures_shown); ++index) {
    text += print(failures[index]);
  }
  return text;
}

}  // namespace signalbox::sim
