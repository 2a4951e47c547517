#include "cli/sim/sim_experiment.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/client/failure.hpp"
#include "cli/client/output.hpp"
#include "cli/sim/sim_files.hpp"
#include "simulations/lab/builtin_experiments.hpp"
#include "simulations/lab/experiment_reader.hpp"
#include "simulations/lab/experiment_report.hpp"
#include "simulations/lab/experiment_run.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

std::optional<std::string> read_disk_file(const std::string& path) {
  const std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return std::nullopt;
  return text.str();
}

/// @param name of a folder with an experiment.yaml in it, else of one that is built in.
Outcome<sim::Experiment> load_experiment(const std::string& name) {
  std::error_code ignored;
  const bool is_folder =
      std::filesystem::exists(std::filesystem::path{name} / "experiment.yaml", ignored);
  if (!is_folder && !sim::find_builtin_file(name + "/experiment.yaml")) {
    return Failure{ExitCode::usage,
                   "there is no experiment " + to_printable(name) +
                       ", neither built in (see: signalbox sim experiments) nor as a folder"};
  }
  auto read = sim::read_experiment(name, is_folder ? read_disk_file : sim::find_builtin_file);
  if (read.violations.empty()) return std::move(read.experiment);
  return to_usage_failure(read.violations);
}

std::size_t count_runs(const sim::Experiment& experiment, std::size_t seeds) {
  std::size_t runs = 0;
  for (const auto& variant : experiment.variants) runs += variant.is_certain ? 1 : seeds;
  return runs;
}

bool write_report(const std::string& folder, const sim::Experiment& experiment,
                  const sim::ExperimentResult& result) {
  return write_files(folder, {{"report.html", sim::print_experiment_page(experiment, result)},
                              {"figures.csv", sim::print_experiment_csv(experiment, result)},
                              {"summary.txt", sim::print_experiment(experiment, result)}});
}

}  // namespace

int run_experiment(const ExperimentOptions& options) {
  const auto loaded = load_experiment(options.name);
  if (loaded.has_error()) return report(loaded.error());
  const sim::Effort effort = options.is_quick ? loaded->quick : loaded->full;
  const auto seeds = options.seeds.empty() ? sim::first_seeds(effort.seeds) : options.seeds;
  const auto tasks = options.tasks ? options.tasks : effort.tasks;
  const bool is_watched = isatty(STDERR_FILENO) == 1;
  const std::size_t runs = count_runs(*loaded, seeds.size());
  const auto began = Clock::now();
  const auto result = sim::run_experiment(
      *loaded, {.seeds = seeds, .tasks = tasks, .traces = options.traces}, [&](std::size_t done) {
        if (is_watched) std::fprintf(stderr, "\r%zu of %zu runs", done, runs);
      });
  if (is_watched) std::fprintf(stderr, "\r");
  if (result.has_error()) return report({ExitCode::usage, result.error().message});
  std::fprintf(stderr, "%.2f s\n", std::chrono::duration<double>(Clock::now() - began).count());
  if (!options.out.empty() && !write_report(options.out, *loaded, *result)) {
    return report({ExitCode::failure, "cannot write the files in " + options.out});
  }
  const bool is_printed = print_out(sim::print_experiment(*loaded, *result));
  return to_int(is_printed && result->holds() ? ExitCode::ok : ExitCode::failure);
}

int list_experiments() {
  std::string text;
  for (const std::string& name : sim::builtin_experiments()) {
    const auto loaded = load_experiment(name);
    if (loaded.has_error()) return report(loaded.error());
    text += name + std::string(name.size() < 24 ? 24 - name.size() : 1, ' ') + loaded->title + "\n";
  }
  return to_int(print_out(text) ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
