#include "cli/sim.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/failure.hpp"
#include "cli/output.hpp"
#include "simulations/run.hpp"
#include "simulations/run_files.hpp"
#include "simulations/scenario_reader.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

Outcome<sim::Scenario> load_scenario(const std::string& path) {
  const std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return Failure{ExitCode::usage, "cannot read " + path};
  auto read = sim::read_scenario(text.str(), path);
  if (read.violations.empty()) return std::move(read.scenario);
  std::string slips;
  for (const config::Violation& violation : read.violations) {
    slips += (slips.empty() ? "" : "\n") + to_printable(config::to_string(violation));
  }
  return Failure{ExitCode::usage, std::move(slips)};
}

bool has_traces(const sim::Scenario& scenario) {
  return std::any_of(scenario.clients.begin(), scenario.clients.end(), [](const auto& client) {
    return client.arrival.kind == sim::ArrivalKind::trace;
  });
}

Failure to_failure(const Error& error, const SimOptions& options, const sim::Scenario& scenario) {
  const bool lacks_folder = options.traces.empty() && has_traces(scenario);
  return {
      ExitCode::usage,
      error.message + (lacks_folder ? "; --traces or SIGNALBOX_TRACES names their folder" : "")};
}

void tell_speed(const sim::RunFigures& figures, Clock::duration took) {
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 1e-9);
  std::fprintf(stderr, "%.2f s: %.0f tasks/s, %.0f times real time\n", seconds,
               static_cast<double>(figures.tasks) / seconds, to_seconds(figures.length) / seconds);
}

}  // namespace

int run_sim(const SimOptions& options) {
  auto loaded = load_scenario(options.file);
  if (loaded.has_error()) return report(loaded.error());
  sim::Scenario& scenario = *loaded;
  if (!options.policy.empty()) sim::set_policy(scenario, options.policy);
  if (options.slots) sim::set_slots(scenario, *options.slots);
  std::unique_ptr<sim::RunFiles> files;
  if (!options.out.empty()) files = std::make_unique<sim::RunFiles>(scenario, options.out);
  const auto began = Clock::now();
  const auto figures = sim::run(scenario, {.seed = options.seed.value_or(scenario.seed),
                                           .traces = options.traces,
                                           .observer = files.get()});
  if (figures.has_error()) return report(to_failure(figures.error(), options, scenario));
  tell_speed(*figures, Clock::now() - began);
  if (files) {
    if (const auto error = files->finish(*figures)) {
      return report({ExitCode::failure, error->message});
    }
  }
  return to_int(print_out(sim::print_summary(*figures)) ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
