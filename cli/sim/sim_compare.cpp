#include "cli/sim/sim_compare.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "cli/client/output.hpp"
#include "cli/sim/call_rows_file.hpp"
#include "cli/sim/sim_files.hpp"
#include "config/words.hpp"
#include "simulations/lab/compare_report.hpp"
#include "simulations/lab/variant_change.hpp"
#include "simulations/scenario/recording.hpp"

namespace signalbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

Outcome<sim::ChangeableScenario> load_calls(const std::string& path, const std::string& text) {
  auto rows = read_call_rows(text, path);
  if (rows.has_error()) return rows.error();
  if (rows->skipped > 0) {
    std::fprintf(stderr, "calls left out, without a slot or not ended: %zu\n", rows->skipped);
  }
  if (rows->calls.empty()) return Failure{ExitCode::usage, path + " has no calls"};
  return sim::ChangeableScenario{sim::replay_scenario(std::move(rows->calls), "replay")};
}

/// A scenario's file, or call rows.
Outcome<sim::ChangeableScenario> load(const std::string& path) {
  const auto text = read_file(path);
  if (text.has_error()) return text.error();
  if (path.ends_with(".jsonl")) return load_calls(path, *text);
  sim::ChangeableScenario scenario{*text, path};
  if (scenario.violations().empty()) return scenario;
  return to_usage_failure(scenario.violations());
}

Outcome<std::vector<sim::Variant>> variants_of(const sim::ChangeableScenario& scenario,
                                               const CompareOptions& options) {
  auto variants = sim::make_variants(scenario.scenario(), options.policies, options.slots);
  for (const std::string& text : options.variants) {
    const auto read = sim::read_variant_change(text);
    if (!read.violations.empty()) return to_usage_failure(read.violations);
    const std::string& name = read.change.name;
    const bool is_taken = std::any_of(variants.begin(), variants.end(),
                                      [&](const auto& variant) { return variant.name == name; });
    if (is_taken) {
      return Failure{ExitCode::usage, "there are two variants " + config::quote(name)};
    }
    auto changed = scenario.with(read.change);
    if (!changed.violations.empty()) return to_usage_failure(changed.violations);
    variants.push_back({name, std::move(changed.scenario)});
  }
  return variants;
}

}  // namespace

int run_compare(const CompareOptions& options) {
  const auto loaded = load(options.file);
  if (loaded.has_error()) return report(loaded.error());
  const auto variants = variants_of(*loaded, options);
  if (variants.has_error()) return report(variants.error());
  const std::size_t runs = variants->size() * options.seeds.size();
  const bool is_watched = isatty(STDERR_FILENO) == 1;
  const auto began = Clock::now();
  const auto comparison =
      sim::compare(*variants, options.seeds, options.traces, [&](std::size_t done) {
        if (is_watched) std::fprintf(stderr, "\r%zu of %zu runs", done, runs);
      });
  if (is_watched) std::fprintf(stderr, "\r");
  if (comparison.has_error()) {
    return report(to_failure(comparison.error(), options.traces, loaded->scenario()));
  }
  std::fprintf(stderr, "%zu runs in %.2f s\n", runs,
               std::chrono::duration<double>(Clock::now() - began).count());
  const bool is_written =
      options.out.empty() || write_files(options.out, sim::comparison_files(*comparison));
  if (!is_written) return report({ExitCode::failure, "cannot write the files in " + options.out});
  return to_int(print_out(sim::print_comparison(*comparison)) ? ExitCode::ok : ExitCode::failure);
}

}  // namespace signalbox::cli
