#include "cli/sim/sim_arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <tuple>
#include <utility>

#include "config/words.hpp"
#include "core/admission/profile_settings.hpp"
#include "core/base/read_number.hpp"
#include "simulations/lab/builtin_experiments.hpp"

namespace signalbox::cli {
namespace {

constexpr const char* sim_footer = R"(
Runs the daemon's own queues, slots and tasks on a virtual clock: hours of traffic in a second, the
same bytes out for the same seed. How long it took goes to stderr.

Examples:
  signalbox sim examples/scenarios/three_classes.yaml
  signalbox sim examples/scenarios/three_classes.yaml --slots 5 --seed 2
  signalbox sim examples/scenarios/night_batch.yaml --out /tmp/night
  signalbox sim minimal.yaml --check
  signalbox sim compare examples/scenarios/home_office.yaml --policies strict,fair,swap

Scenario files: docs/scenarios.md)";

constexpr const char* compare_footer = R"(
Runs every variant on the same calls, seed by seed, and says what differs and how far that can be
trusted.

Examples:
  signalbox sim compare night.yaml --slots 2,3
  signalbox sim compare night.yaml --policies strict,aging --seeds 1-20 --out /tmp/night
  signalbox sim compare night.yaml --variant 'preempt={profiles: {gpu: {preempt: background}}}'
  signalbox sim compare calls.jsonl --slots 2,3 --seeds 1)";

/// The parser takes "-1" for a large number.
std::string find_number_problem(const std::string& text) {
  std::uint64_t number = 0;
  return read_number(text, number) ? "" : config::quote(text) + " is no whole number";
}

constexpr std::size_t seeds_max = 1'000;
constexpr std::uint64_t fuzz_seeds_max = 100'000'000;
constexpr std::uint64_t fuzz_tasks_max = 100'000;
constexpr std::uint32_t jobs_max = 256;

/// Reads "7" or "1-20". @returns the first and the last.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_span(std::string_view text,
                                                                  std::uint64_t most) {
  const std::size_t dash = text.find('-');
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (!read_number(text.substr(0, dash), first)) return std::nullopt;
  last = first;
  const bool is_span = dash != std::string_view::npos;
  if (is_span && !read_number(text.substr(dash + 1), last)) return std::nullopt;
  if (last < first || last - first >= most) return std::nullopt;
  return std::pair{first, last};
}

template <class Value>
bool has_twice(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

std::optional<std::vector<std::uint64_t>> parse_seeds(std::string_view text) {
  const auto span = parse_span(text, seeds_max);
  if (!span) return std::nullopt;
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = span->first; seeds.size() <= span->second - span->first; ++seed) {
    seeds.push_back(seed);
  }
  return seeds;
}

void add_compare(CLI::App& sim, SimArguments& arguments,
                 std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* compare = sim.add_subcommand("compare", "Run variants on the same calls");
  compare->footer(compare_footer);
  CompareOptions& options = arguments.compare;
  const CLI::Option* file =
      compare->add_option("SCENARIO", options.file, "The scenario's YAML file, or calls.jsonl")
          ->required();
  compare->add_option("--policies", options.policies, "Orders of grants, comma between them")
      ->delimiter(',')
      ->allow_extra_args(false);
  compare->add_option("--slots", options.slots, "Numbers of slots, comma between them")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::Range(1U, max_concurrent_max));
  compare
      ->add_option("--variant", options.variants,
                   "NAME={...}: what differs, as a tree of the scenario's keys; repeatable")
      ->allow_extra_args(false);
  compare->add_option("--seeds", arguments.seeds, "One, or a span like 1-20 (default 1-10)");
  const CLI::Option* out =
      compare->add_option("--out", options.out, "Folder for report.html, compare.csv, SVG plots");
  const CLI::Option* traces = compare->add_option("--traces", options.traces,
                                                  "Folder of recorded traces (SIGNALBOX_TRACES)");
  for (const CLI::Option* path : {file, out, traces}) values[path] = {true, {}};
}

constexpr const char* experiment_footer = R"(
Runs the variants of an experiment and says whether its claim holds; the exit code is 1 when it does
not. Variants that need recorded traces are left out where there are none.

Examples:
  signalbox sim experiments
  signalbox sim experiment e1_oracles --quick
  signalbox sim experiment e6_model_swaps --out /tmp/swaps
  signalbox sim experiment ./mine)";

void add_experiment(CLI::App& sim, SimArguments& arguments,
                    std::map<const CLI::Option*, ValueRow>& values) {
  sim.add_subcommand("experiments", "List the experiments that come with the program");
  CLI::App* experiment = sim.add_subcommand("experiment", "Run an experiment and judge its claim");
  experiment->footer(experiment_footer);
  ExperimentOptions& options = arguments.experiment;
  const CLI::Option* name =
      experiment
          ->add_option("NAME", options.name,
                       "Of one that is built in, or a folder with experiment.yaml")
          ->required();
  experiment->add_flag("--quick", options.is_quick, "Few seeds and short runs");
  experiment->add_option("--seeds", arguments.experiment_seeds, "One, or a span like 1-20");
  experiment->add_option("--tasks", options.tasks, "Calls of each run that counts them")
      ->check(CLI::Range(std::uint64_t{20}, std::uint64_t{1'000'000'000}));
  const CLI::Option* out = experiment->add_option(
      "--out", options.out, "Folder for report.html, figures.csv, summary.txt");
  const CLI::Option* traces = experiment->add_option(
      "--traces", options.traces, "Folder of recorded traces (SIGNALBOX_TRACES)");
  for (const CLI::Option* path : {out, traces}) values[path] = {true, {}};
  values[name] = {false, sim::builtin_experiments()};
}

/// @returns what is wrong with the text, or nothing.
std::optional<std::string> read_seeds(const std::string& text, std::vector<std::uint64_t>& seeds) {
  auto parsed = parse_seeds(text);
  if (!parsed) {
    return "--seeds " + config::quote(text) + " is neither a number nor a span of at most " +
           std::to_string(seeds_max) + " like 1-20";
  }
  seeds = std::move(*parsed);
  return std::nullopt;
}

constexpr const char* fuzz_footer = R"(
Draws a scenario from each seed, lets everything go wrong in it, and looks on: no call is lost, no
slot is taken twice, nobody waits beyond a budget, and the like. The exit code is 1 when a promise
was broken, or when a rare path was never taken by more than 200 seeds. A failure is told at once on
stderr; Ctrl-C prints what was seen so far, and the exit code is 130 if nothing had failed.

Examples:
  signalbox sim fuzz --seeds 1-1000
  signalbox sim fuzz --seeds 1-100000 --jobs 2 --tasks 1000
  signalbox sim fuzz --seeds 4711 --out seed4711.yaml)";

void add_fuzz(CLI::App& sim, SimArguments& arguments,
              std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* fuzz = sim.add_subcommand("fuzz", "Run drawn scenarios in which everything goes wrong");
  fuzz->footer(fuzz_footer);
  FuzzOptions& options = arguments.fuzz;
  fuzz->add_option("--seeds", arguments.fuzz_seeds, "One, or a span like 1-1000 (default 1-100)");
  fuzz->add_option("--jobs", options.jobs, "Processes at once (default: one a processor)")
      ->check(CLI::Range(1U, jobs_max));
  fuzz->add_option("--tasks", options.tasks, "Calls of each scenario (default 200)")
      ->check(CLI::Range(std::uint64_t{1}, fuzz_tasks_max));
  fuzz->add_option("--patience", options.patience_s,
                   "Seconds until a seed counts as one that never ends (default 60)")
      ->check(CLI::Range(1U, 86'400U));
  const CLI::Option* out = fuzz->add_option(
      "--out", options.out, "Write the scenario that one seed draws there, and run nothing");
  values[out] = {true, {}};
}

constexpr const char* shrink_footer = R"(
Takes away from a scenario that fails what it fails without: calls, faults, clients, servers,
options; and makes what is left simple. What comes out needs no seed.

Examples:
  signalbox sim shrink --seed 4711 --out minimal.yaml
  signalbox sim shrink broken.yaml --out minimal.yaml --seconds 300)";

void add_shrink(CLI::App& sim, ShrinkOptions& options,
                std::map<const CLI::Option*, ValueRow>& values) {
  CLI::App* shrink = sim.add_subcommand("shrink", "Make a scenario that fails small");
  shrink->footer(shrink_footer);
  CLI::Option* file = shrink->add_option("SCENARIO", options.file, "The scenario's YAML file");
  shrink->add_option("--seed", options.seed, "In place of a file: what `sim fuzz` draws from it")
      ->check(find_number_problem)
      ->excludes(file);
  shrink->add_option("--tasks", options.tasks, "Calls of a drawn scenario (default 200)")
      ->check(CLI::Range(std::uint64_t{1}, fuzz_tasks_max));
  const CLI::Option* out =
      shrink->add_option("--out", options.out, "The file for what is left")->required();
  shrink->add_option("--seconds", options.seconds, "Time for the search (default 60)")
      ->check(CLI::Range(1U, 86'400U));
  const CLI::Option* traces = shrink->add_option("--traces", options.traces,
                                                 "Folder of recorded traces (SIGNALBOX_TRACES)");
  for (const CLI::Option* path : {static_cast<const CLI::Option*>(file), out, traces}) {
    values[path] = {true, {}};
  }
}

}  // namespace

std::optional<std::string> find_policy_problem(const char* flag, const std::string& policy) {
  ProfileSettings settings;
  settings.policy = policy;
  if (const auto error = check(settings)) return std::string{flag} + ": " + error->message;
  return std::nullopt;
}

void add_sim(CLI::App& app, SimArguments& arguments,
             std::map<const CLI::Option*, ValueRow>& values) {
  SimOptions& options = arguments.run;
  CLI::App* sim = app.add_subcommand("sim", "Simulate traffic: waits, queues, what-if");
  sim->footer(sim_footer);
  const CLI::Option* file = sim->add_option("SCENARIO", options.file, "The scenario's YAML file");
  sim->add_option("--seed", options.seed, "What all chance is drawn from (default: the scenario's)")
      ->check(find_number_problem);
  sim->add_option("--policy", options.policy, "Order of grants, for every profile");
  sim->add_option("--slots", options.slots, "Slots, for every profile")
      ->check(CLI::Range(1U, max_concurrent_max));
  const CLI::Option* out =
      sim->add_option("--out", options.out, "Folder for report.html, CSV files, SVG plots");
  const CLI::Option* traces =
      sim->add_option("--traces", options.traces, "Folder of recorded traces (SIGNALBOX_TRACES)");
  sim->add_flag("--check", options.is_checked, "Hold the run against every invariant");
  sim->add_option("--hash-every", options.hash_every,
                  "Print the trace's hash after every so many events, too")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  for (const CLI::Option* path : {file, out, traces}) values[path] = {true, {}};
  add_compare(*sim, arguments, values);
  add_replay(*sim, arguments.replay, values);
  add_experiment(*sim, arguments, values);
  add_fuzz(*sim, arguments, values);
  add_shrink(*sim, arguments.shrink, values);
}

std::optional<std::string> settle_sim(SimOptions& options, const config::Lookup& lookup) {
  // Not for the parser to demand: `sim compare` has one of its own.
  if (options.file.empty()) return "SCENARIO is required";
  if (options.traces.empty()) options.traces = lookup("SIGNALBOX_TRACES").value_or("");
  if (options.policy.empty()) return std::nullopt;
  return find_policy_problem("--policy", options.policy);
}

std::optional<std::string> settle_fuzz(SimArguments& arguments) {
  const auto span = parse_span(arguments.fuzz_seeds, fuzz_seeds_max);
  if (!span) {
    return "--seeds " + config::quote(arguments.fuzz_seeds) +
           " is neither a number nor a span of at most " + std::to_string(fuzz_seeds_max) +
           " like 1-1000";
  }
  std::tie(arguments.fuzz.first_seed, arguments.fuzz.last_seed) = *span;
  if (!arguments.fuzz.out.empty() && span->first != span->second) {
    return "--out is for one seed";
  }
  return std::nullopt;
}

std::optional<std::string> settle_shrink(ShrinkOptions& options, const config::Lookup& lookup) {
  if (options.file.empty() && !options.seed) return "SCENARIO or --seed is required";
  if (options.traces.empty()) options.traces = lookup("SIGNALBOX_TRACES").value_or("");
  return std::nullopt;
}

std::optional<std::string> settle_compare(SimArguments& arguments, const config::Lookup& lookup) {
  CompareOptions& options = arguments.compare;
  if (options.traces.empty()) options.traces = lookup("SIGNALBOX_TRACES").value_or("");
  if (auto problem = read_seeds(arguments.seeds, options.seeds)) return problem;
  for (const std::string& policy : options.policies) {
    if (auto problem = find_policy_problem("--policies", policy)) return problem;
  }
  if (has_twice(options.policies)) return "--policies names one of them twice";
  if (has_twice(options.slots)) return "--slots names one of them twice";
  const std::size_t variants = std::max<std::size_t>(options.policies.size(), 1) *
                                   std::max<std::size_t>(options.slots.size(), 1) +
                               options.variants.size();
  if (variants < 2) {
    return "there is nothing to compare: give several --policies, several --slots or a --variant";
  }
  return std::nullopt;
}

std::optional<std::string> settle_experiment(SimArguments& arguments,
                                             const config::Lookup& lookup) {
  ExperimentOptions& options = arguments.experiment;
  if (options.traces.empty()) options.traces = lookup("SIGNALBOX_TRACES").value_or("");
  if (arguments.experiment_seeds.empty()) return std::nullopt;
  return read_seeds(arguments.experiment_seeds, options.seeds);
}

}  // namespace signalbox::cli
