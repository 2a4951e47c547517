// The arguments of `signalbox sim` and its subcommands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_table.hpp"
#include "cli/sim/replay_arguments.hpp"
#include "config/environment.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace signalbox::cli {

struct SimOptions {
  /// The scenario's file.
  std::string file;
  /// The subcommand that `file` may be a slip of; empty = of none.
  std::string meant;
  /// Unset = the scenario's.
  std::optional<std::uint64_t> seed;
  /// Of every profile; empty = as the scenario says.
  std::string policy;
  /// Of every profile; unset = as the scenario says. Range: 1..10000.
  std::optional<std::uint32_t> slots;
  /// Folder for the files of the run; empty = none are written.
  std::string out;
  /// Folder that traces' names are relative to; empty = where the command runs.
  std::string traces;
  /// As `sim fuzz` does: invariants look on.
  bool is_checked = false;
  /// Print the trace's hash after every so many events, too; 0 = only at the end.
  std::uint64_t hash_every = 0;
};

struct CompareOptions {
  /// The scenario's file, or call rows as JSON lines (*.jsonl).
  std::string file;
  /// Variants are every policy with every number of slots (without any of either, that of the
  /// scenario), then each of `variants`. The first is what the others are compared with.
  std::vector<std::string> policies;
  std::vector<std::uint32_t> slots;
  /// "NAME={...}": the scenario with a change of its tree.
  std::vector<std::string> variants;
  /// In rising order, at least one, at most 1,000.
  std::vector<std::uint64_t> seeds;
  /// As in SimOptions.
  std::string out;
  std::string traces;
};

struct ExperimentOptions {
  /// Of one that is built in, or the folder of another.
  std::string name;
  /// A short version, for a first look.
  bool is_quick = false;
  /// In rising order; empty = as many as the experiment says.
  std::vector<std::uint64_t> seeds;
  /// Calls of each run that ends after a number of them; unset = as the experiment says. Range:
  /// 20..1000000000.
  std::optional<std::uint64_t> tasks;
  /// As in SimOptions.
  std::string out;
  std::string traces;
};

struct ListExperiments {};

struct FuzzOptions {
  std::uint64_t first_seed = 1;
  /// Included.
  std::uint64_t last_seed = 100;
  /// Processes at once; unset = as many as there are processors. Range: 1..256.
  std::optional<std::uint32_t> jobs;
  /// Calls of each scenario. Range: 1..100000.
  std::uint64_t tasks = 200;
  /// What a seed may take before it counts as one that never ends. Unit: s. Range: 1..86400.
  std::uint32_t patience_s = 60;
  /// File for the scenario of the only seed, which is not run then; empty = none is written.
  std::string out;
};

struct ShrinkOptions {
  /// The scenario's file; empty = drawn from `seed`.
  std::string file;
  std::optional<std::uint64_t> seed;
  /// Calls of a drawn scenario. Range: 1..100000.
  std::uint64_t tasks = 200;
  /// The file for what is left.
  std::string out;
  /// The search ends then with what it has. Unit: s. Range: 1..86400.
  std::uint32_t seconds = 60;
  /// As in SimOptions.
  std::string traces;
};

/// What CLI11 fills while it parses.
struct SimArguments {
  SimOptions run;
  ReplayArguments replay;
  CompareOptions compare;
  std::string seeds = "1-10";
  ExperimentOptions experiment;
  /// Empty = as many as the experiment says.
  std::string experiment_seeds;
  FuzzOptions fuzz;
  std::string fuzz_seeds = "1-100";
  ShrinkOptions shrink;
};

/// @param values what options may be, for completions.
void add_sim(CLI::App& app, SimArguments& arguments,
             std::map<const CLI::Option*, ValueRow>& values);

/// @returns what is wrong with the policy's name, or nothing.
std::optional<std::string> find_policy_problem(const char* flag, const std::string& policy);

/// Fill in what the environment and the other arguments say. @returns what is wrong, for the user,
/// or nothing.
std::optional<std::string> settle_sim(SimOptions& options, const config::Lookup& lookup);
std::optional<std::string> settle_fuzz(SimArguments& arguments);
std::optional<std::string> settle_shrink(ShrinkOptions& options, const config::Lookup& lookup);
std::optional<std::string> settle_compare(SimArguments& arguments, const config::Lookup& lookup);
std::optional<std::string> settle_experiment(SimArguments& arguments, const config::Lookup& lookup);

}  // namespace signalbox::cli
