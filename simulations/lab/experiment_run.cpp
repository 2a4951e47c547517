#include "simulations/lab/experiment_run.hpp"

#include <algorithm>
#include <cmath>

#include "simulations/world/run.hpp"

namespace signalbox::sim {
namespace {

constexpr double standard_errors_allowed = 3;

bool needs_traces(const Scenario& scenario) {
  return std::any_of(scenario.clients.begin(), scenario.clients.end(),
                     [](const auto& client) { return client.arrival.kind == ArrivalKind::trace; });
}

double standard_error(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  return interval_of(values).half_width / student_t(values.size() - 1);
}

Result<VariantFigures> run_variant(const Experiment& experiment, const ExperimentVariant& variant,
                                   const ExperimentOptions& options,
                                   const std::function<void()>& on_run) {
  VariantFigures found;
  found.values.resize(experiment.figures.size());
  found.is_left_out = options.traces.empty() && needs_traces(variant.scenario);
  if (found.is_left_out) return found;
  Scenario scenario = variant.scenario;
  if (options.tasks && scenario.tasks) {
    scenario.tasks = options.tasks;
    scenario.warmup_tasks = *options.tasks / 20;
  }
  for (const std::uint64_t seed : options.seeds) {
    ClientTally tally{scenario, experiment.promised};
    const auto figures =
        run(scenario, {.seed = seed, .traces = options.traces, .observer = &tally});
    if (figures.has_error()) return figures.error();
    if (seed == options.seeds.front()) found.trace_hash = figures->trace_hash;
    for (std::size_t index = 0; index < experiment.figures.size(); ++index) {
      const auto value = measure(experiment.figures[index], *figures, tally);
      if (value) found.values[index].push_back(*value);
    }
    on_run();
    if (variant.is_certain) break;
  }
  return found;
}

}  // namespace

bool ExperimentResult::holds() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.verdict == Verdict::fails; });
}

std::vector<std::uint64_t> first_seeds(std::uint64_t count) {
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 1; seed <= count; ++seed) seeds.push_back(seed);
  return seeds;
}

Finding judge(const Expectation& expectation, const std::vector<double>& values,
              const std::vector<double>& others) {
  const bool has_both = !values.empty() && (!expectation.times || others.size() == values.size());
  if (!has_both) return {{}, expectation.value, Verdict::fails};
  std::vector<double> beyond;
  for (std::size_t seed = 0; seed < values.size(); ++seed) {
    const double against = expectation.times ? others[seed] : 1;
    beyond.push_back(values[seed] - expectation.value * against);
  }
  Finding finding;
  finding.found = interval_of(values);
  finding.expected =
      expectation.times ? expectation.value * interval_of(others).mean : expectation.value;
  const Interval off = interval_of(beyond);
  const double chance = beyond.size() > 1 ? off.half_width : 0;
  bool holds = false;
  switch (expectation.relation) {
    case Relation::is:
      holds = std::abs(off.mean) <= std::max(expectation.within * std::abs(finding.expected),
                                             standard_errors_allowed * standard_error(beyond));
      break;
    case Relation::at_most:
      holds = off.mean + chance <= 0;
      break;
    case Relation::at_least:
      holds = off.mean - chance >= 0;
      break;
  }
  finding.verdict = holds ? Verdict::holds : Verdict::fails;
  return finding;
}

Result<ExperimentResult> run_experiment(const Experiment& experiment,
                                        const ExperimentOptions& options,
                                        const std::function<void(std::size_t)>& on_run) {
  SIGNALBOX_ASSERT(!options.seeds.empty());
  ExperimentResult result{options.seeds, options.tasks, {}, {}};
  std::size_t runs = 0;
  for (const ExperimentVariant& variant : experiment.variants) {
    auto found = run_variant(experiment, variant, options, [&] { on_run(++runs); });
    if (found.has_error()) return found.error();
    result.variants.push_back(std::move(*found));
  }
  const auto values_of = [&](std::size_t variant, const FigureRef& figure) {
    const auto& figures = experiment.figures;
    const auto index = std::find(figures.begin(), figures.end(), figure) - figures.begin();
    return result.variants[variant].values[static_cast<std::size_t>(index)];
  };
  const auto is_left_out = [&](std::size_t variant) {
    return result.variants[variant].is_left_out;
  };
  for (const Expectation& expectation : experiment.expectations) {
    if (is_left_out(expectation.variant) ||
        (expectation.times && is_left_out(*expectation.times))) {
      result.findings.push_back({});
      continue;
    }
    const auto others = expectation.times ? values_of(*expectation.times, expectation.figure)
                                          : std::vector<double>{};
    result.findings.push_back(
        judge(expectation, values_of(expectation.variant, expectation.figure), others));
  }
  return result;
}

}  // namespace signalbox::sim
