#include "cli/sim/sim.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/sim/replay_source.hpp"
#include "cli/sim/sim_files.hpp"
#include "simulations/campaign/campaign.hpp"
#include "simulations/figures/run_files.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

void tell_speed(const sim::RunFigures& figures, Clock::duration took) {
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 1e-9);
  std::fprintf(stderr, "%.2f s: %.0f tasks/s, %.0f times real time\n", seconds,
               static_cast<double>(figures.tasks) / seconds, to_seconds(figures.length) / seconds);
}

/// How a scenario is run and what becomes of it.
struct Order {
  std::uint64_t seed = 1;
  std::string traces;
  std::string out;
  /// The invariants look on, and what they see is printed.
  bool is_checked = false;
  std::uint64_t hash_every = 0;
};

int run_and_print(const sim::Scenario& scenario, const Order& order) {
  const auto& [seed, traces, out, is_checked, hash_every] = order;
  std::unique_ptr<sim::RunFiles> files;
  std::optional<sim::Invariants> invariants;
  if (is_checked) invariants.emplace(scenario);
  if (!out.empty()) files = std::make_unique<sim::RunFiles>(scenario, out);
  const auto began = Clock::now();
  const auto figures = sim::run(scenario, {.seed = seed,
                                           .traces = traces,
                                           .hash_every = hash_every,
                                           .observer = files.get(),
                                           .checker = invariants ? &*invariants : nullptr});
  if (figures.has_error()) return report(to_failure(figures.error(), traces, scenario));
  tell_speed(*figures, Clock::now() - began);
  if (files) {
    if (const auto error = files->finish(*figures)) {
      return report({ExitCode::failure, error->message});
    }
  }
  std::string text = sim::print_summary(*figures);
  const bool is_broken = invariants && invariants->violation();
  if (is_broken) {
    text += "broken " + sim::print_violation(*invariants->violation()) + "\n";
  } else if (is_checked) {
    text += "every invariant held\n";
  }
  return to_int(print_out(text) && !is_broken ? ExitCode::ok : ExitCode::failure);
}

}  // namespace

int run_sim(const SimOptions& options) {
  auto loaded = load_scenario(options.file);
  if (loaded.has_error()) {
    Failure failure = loaded.error();
    if (!options.meant.empty()) failure.message += "; did you mean sim " + options.meant + "?";
    return report(failure);
  }
  sim::Scenario& scenario = *loaded;
  if (!options.policy.empty()) sim::set_policy(scenario, options.policy);
  if (options.slots) sim::set_slots(scenario, *options.slots);
  return run_and_print(scenario, {options.seed.value_or(scenario.seed), options.traces, options.out,
                                  options.is_checked, options.hash_every});
}

int run_replay(const ReplayOptions& options) {
  auto source = open_replay(options);
  if (source.has_error()) return report(source.error());
  for (const std::string& note : source->notes) std::fprintf(stderr, "%s\n", note.c_str());
  if (options.policy == "swap") {
    std::fprintf(stderr,
                 "swap changes nothing here: recordings do not tell which model was loaded\n");
  }
  sim::Scenario& scenario = source->scenario;
  if (!options.policy.empty()) sim::set_policy(scenario, options.policy);
  if (options.slots) sim::set_slots(scenario, *options.slots);
  return run_and_print(scenario, {scenario.seed, {}, options.out});
}

}  // namespace signalbox::cli
