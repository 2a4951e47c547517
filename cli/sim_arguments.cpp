#include "cli/sim_arguments.hpp"

#include <CLI/CLI.hpp>

#include "core/profile_settings.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* sim_footer = R"(
Runs the daemon's own queues, slots and tasks on a virtual clock: hours of traffic in a second, the
same bytes out for the same seed on any machine. What is printed is deterministic; how long it took
goes to stderr.

Examples:
  signalbox sim examples/scenarios/three_classes.yaml
  signalbox sim examples/scenarios/three_classes.yaml --slots 5 --seed 2
  signalbox sim examples/scenarios/night_batch.yaml --out /tmp/night

Scenario files: docs/simulation.md)";

}  // namespace

void add_sim(CLI::App& app, SimOptions& options, std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* sim = app.add_subcommand("sim", "Simulate traffic: waits, queues, what-if");
  sim->footer(sim_footer);
  const CLI::Option* file =
      sim->add_option("SCENARIO", options.file, "The scenario's YAML file")->required();
  sim->add_option("--seed", options.seed,
                  "What all chance is drawn from (default: the scenario's)");
  sim->add_option("--policy", options.policy, "Order of grants, for every profile");
  sim->add_option("--slots", options.slots, "Slots, for every profile")
      ->check(CLI::Range(1U, max_concurrent_max));
  const CLI::Option* out =
      sim->add_option("--out", options.out, "Folder for tasks.csv, timeline.csv, classes.csv");
  const CLI::Option* traces =
      sim->add_option("--traces", options.traces, "Folder of recorded traces (SIGNALBOX_TRACES)");
  for (const CLI::Option* path : {file, out, traces}) values[path] = {true, {}};
}

std::optional<std::string> settle_sim(SimOptions& options, const config::Lookup& lookup) {
  if (options.traces.empty()) options.traces = lookup("SIGNALBOX_TRACES").value_or("");
  if (options.policy.empty()) return std::nullopt;
  ProfileSettings settings;
  settings.policy = options.policy;
  if (const auto error = check(settings)) return "--policy: " + error->message;
  return std::nullopt;
}

}  // namespace signalbox::cli
