#include "simulations/lab/compare.hpp"

#include "simulations/figures/line_curve.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::sim {
namespace {

std::size_t to_index(Measure measure) {
  return static_cast<std::size_t>(measure);
}

double measured(const ClassFigures& figures, Measure measure) {
  switch (measure) {
    case Measure::mean_wait:
      return to_seconds(figures.mean_wait());
    case Measure::p95_wait:
      return to_seconds(figures.waits.quantile(950));
    case Measure::p99_wait:
      return to_seconds(figures.waits.quantile(990));
    case Measure::max_wait:
      return to_seconds(figures.waits.max());
    case Measure::done:
      return figures.submitted == 0
                 ? 1
                 : static_cast<double>(figures.done) / static_cast<double>(figures.submitted);
  }
  return 0;
}

/// Of all slots together.
double share_in_use(const RunFigures& figures) {
  double busy = 0;
  double room = 0;
  for (const ProfileFigures& profile : figures.profiles) {
    busy += static_cast<double>(profile.busy_integral);
    room += static_cast<double>(profile.slots) * static_cast<double>(figures.length.count());
  }
  return room > 0 ? busy / room : 0;
}

void add_run(VariantRuns& runs, const RunFigures& figures) {
  for (const Priority priority : all_priorities) {
    const std::size_t index = signalbox::to_index(priority);
    for (const Measure measure : all_measures) {
      runs.values[index][to_index(measure)].push_back(measured(figures.classes[index], measure));
    }
  }
  runs.utilisation.push_back(share_in_use(figures));
}

void add_pictures(VariantRuns& runs, const RunFigures& figures, const LineCurve& line) {
  for (const Priority priority : all_priorities) {
    const std::size_t index = signalbox::to_index(priority);
    runs.wait_quantiles[index].push_back(to_seconds(figures.classes[index].waits.quantile(1)));
    for (std::uint32_t percent = 1; percent <= 100; ++percent) {
      runs.wait_quantiles[index].push_back(
          to_seconds(figures.classes[index].waits.quantile(percent * 10)));
    }
  }
  runs.line = line.means();
  runs.line_seconds = line.seconds_per_point();
  runs.trace_hash = figures.trace_hash;
}

std::vector<Priority> classes_of(const Scenario& scenario) {
  std::vector<Priority> classes;
  for (const Priority priority : all_priorities) {
    for (const ClientSpec& client : scenario.clients) {
      if (client.priority != priority) continue;
      classes.push_back(priority);
      break;
    }
  }
  return classes;
}

std::string name_of(const std::string& policy, std::optional<std::uint32_t> slots) {
  const std::string count = slots ? std::to_string(*slots) + " slots" : std::string{};
  if (policy.empty()) return count.empty() ? "as written" : count;
  return count.empty() ? policy : policy + ", " + count;
}

}  // namespace

const char* to_string(Measure measure) {
  switch (measure) {
    case Measure::mean_wait:
      return "mean wait";
    case Measure::p95_wait:
      return "p95 wait";
    case Measure::p99_wait:
      return "p99 wait";
    case Measure::max_wait:
      return "max wait";
    case Measure::done:
      return "done";
  }
  return "";
}

const char* unit_of(Measure measure) {
  return measure == Measure::done ? "share" : "s";
}

std::vector<Variant> make_variants(const Scenario& scenario,
                                   const std::vector<std::string>& policies,
                                   const std::vector<std::uint32_t>& slots) {
  std::vector<Variant> variants;
  const std::vector<std::string> any_policy{""};
  for (const std::string& policy : policies.empty() ? any_policy : policies) {
    std::vector<std::optional<std::uint32_t>> counts{slots.begin(), slots.end()};
    if (counts.empty()) counts.emplace_back();
    for (const auto& count : counts) {
      Variant variant{name_of(policy, count), scenario};
      if (!policy.empty()) set_policy(variant.scenario, policy);
      if (count) set_slots(variant.scenario, *count);
      variants.push_back(std::move(variant));
    }
  }
  return variants;
}

Interval estimate(const VariantRuns& variant, Priority priority, Measure measure) {
  return interval_of(variant.values[signalbox::to_index(priority)][to_index(measure)]);
}

Interval difference(const VariantRuns& base, const VariantRuns& variant, Priority priority,
                    Measure measure) {
  const auto& before = base.values[signalbox::to_index(priority)][to_index(measure)];
  const auto& after = variant.values[signalbox::to_index(priority)][to_index(measure)];
  std::vector<double> differences;
  for (std::size_t seed = 0; seed < before.size(); ++seed) {
    differences.push_back(after[seed] - before[seed]);
  }
  return interval_of(differences);
}

Result<Comparison> compare(const std::vector<Variant>& variants,
                           const std::vector<std::uint64_t>& seeds, const std::string& traces,
                           const std::function<void(std::size_t)>& on_run) {
  SIGNALBOX_ASSERT(!variants.empty() && !seeds.empty());
  Comparison comparison;
  comparison.scenario = variants.front().scenario.name;
  comparison.seeds = seeds;
  comparison.classes = classes_of(variants.front().scenario);
  std::size_t runs_done = 0;
  for (const Variant& variant : variants) {
    VariantRuns runs;
    runs.name = variant.name;
    for (const std::uint64_t seed : seeds) {
      LineCurve line;
      const bool is_first = seed == seeds.front();
      const auto figures =
          run(variant.scenario,
              {.seed = seed, .traces = traces, .observer = is_first ? &line : nullptr});
      if (figures.has_error()) return figures.error();
      add_run(runs, *figures);
      if (is_first) add_pictures(runs, *figures, line);
      on_run(++runs_done);
    }
    comparison.variants.push_back(std::move(runs));
  }
  return comparison;
}

}  // namespace signalbox::sim
