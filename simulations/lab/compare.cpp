#include "simulations/lab/compare.hpp"

#include <algorithm>

#include "simulations/figures/client_tally.hpp"
#include "simulations/figures/observer_list.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::sim {
namespace {

/// No call of a comparison is promised to be done in time.
constexpr Duration promised = std::chrono::hours{24};

constexpr std::array class_words{"mean_wait_s",    "p95_wait_s",    "p99_wait_s",    "max_wait_s",
                                 "mean_latency_s", "p95_latency_s", "p99_latency_s", "share_done"};
/// Of a class; shown where a call was sent back.
constexpr std::array return_words{"returns_per_call", "wasted_s_per_call"};

bool has_class(const std::vector<Variant>& variants, Priority priority) {
  return std::any_of(variants.begin(), variants.end(), [&](const Variant& variant) {
    const auto& clients = variant.scenario.clients;
    return std::any_of(clients.begin(), clients.end(), [&](const ClientSpec& client) {
      return client.priority == priority && !client.slot;
    });
  });
}

std::vector<Priority> classes_of(const std::vector<Variant>& variants) {
  std::vector<Priority> classes;
  for (const Priority priority : all_priorities) {
    if (has_class(variants, priority)) classes.push_back(priority);
  }
  return classes;
}

std::vector<std::string> profiles_of(const std::vector<Variant>& variants) {
  std::vector<std::string> profiles;
  for (const Variant& variant : variants) {
    for (const auto& [name, settings] : variant.scenario.profiles) profiles.push_back(name);
  }
  std::sort(profiles.begin(), profiles.end());
  profiles.erase(std::unique(profiles.begin(), profiles.end()), profiles.end());
  return profiles;
}

bool tunes_slots(const std::vector<Variant>& variants) {
  return std::any_of(variants.begin(), variants.end(), [](const Variant& variant) {
    const auto& profiles = variant.scenario.profiles;
    return std::any_of(profiles.begin(), profiles.end(),
                       [](const auto& entry) { return entry.second.tune_slots.has_value(); });
  });
}

std::vector<FigureRef> figures_of(const std::vector<Variant>& variants) {
  std::vector<FigureRef> figures;
  for (const Priority priority : classes_of(variants)) {
    for (const char* word : class_words) figures.push_back({figure_kind(word), priority});
    for (const char* word : return_words) figures.push_back({figure_kind(word), priority});
  }
  for (const std::string& profile : profiles_of(variants)) {
    figures.push_back({figure_kind("utilisation"), {}, {}, profile});
    if (tunes_slots(variants)) figures.push_back({figure_kind("slots_at_end"), {}, {}, profile});
  }
  figures.push_back({figure_kind("swaps_per_call")});
  return figures;
}

/// Figures of what need not occur at all.
bool is_of_rare(const FigureRef& figure) {
  const std::string& word = figure_words()[figure.kind];
  return word == "swaps_per_call" ||
         std::find(return_words.begin(), return_words.end(), word) != return_words.end();
}

/// Of calls that were never sent back, and models that were never loaded, there is nothing to say.
void leave_out_what_never_was(Comparison& comparison) {
  for (std::size_t figure = comparison.figures.size(); figure-- > 0;) {
    const bool has_been =
        std::any_of(comparison.variants.begin(), comparison.variants.end(), [&](const auto& runs) {
          const auto& values = runs.values[figure];
          return std::any_of(values.begin(), values.end(), [](double value) { return value > 0; });
        });
    if (has_been || !is_of_rare(comparison.figures[figure])) continue;
    const auto index = static_cast<std::ptrdiff_t>(figure);
    comparison.figures.erase(comparison.figures.begin() + index);
    for (VariantRuns& runs : comparison.variants) runs.values.erase(runs.values.begin() + index);
  }
}

void note_same_runs(std::vector<VariantRuns>& variants) {
  for (std::size_t later = 1; later < variants.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later && !variants[later].same_as; ++earlier) {
      // The use of slots may differ in runs that have no use for more of them.
      const bool is_same = variants[later].trace_hashes == variants[earlier].trace_hashes &&
                           variants[later].values == variants[earlier].values;
      if (is_same) variants[later].same_as = earlier;
    }
  }
}

void add_values(VariantRuns& runs, const std::vector<FigureRef>& figures, const RunFigures& run,
                const ClientTally& tally) {
  for (std::size_t index = 0; index < figures.size(); ++index) {
    if (const auto value = measure(figures[index], run, tally)) {
      runs.values[index].push_back(*value);
    }
  }
}

Result<VariantRuns> run_variant(const Variant& variant, const Comparison& comparison,
                                const std::string& traces, const std::function<void()>& on_run) {
  VariantRuns runs;
  runs.name = variant.name;
  runs.values.resize(comparison.figures.size());
  for (const std::uint64_t seed : comparison.seeds) {
    ClientTally tally{variant.scenario, promised};
    ObserverList observers{{&tally}};
    if (seed == comparison.seeds.front()) observers.add(&runs.line);
    const auto figures =
        run(variant.scenario, {.seed = seed, .traces = traces, .observer = &observers});
    if (figures.has_error()) return figures.error();
    add_values(runs, comparison.figures, *figures, tally);
    runs.trace_hashes.push_back(figures->trace_hash);
    on_run();
    if (seed != comparison.seeds.front()) continue;
    for (const Priority priority : all_priorities) {
      const std::size_t index = to_index(priority);
      runs.distributions[index] = distribution_of(figures->classes[index].waits);
    }
  }
  for (auto& values : runs.values) {
    if (values.size() != comparison.seeds.size()) values.clear();
  }
  return runs;
}

std::string name_of(const std::string& policy, std::optional<std::uint32_t> slots) {
  const std::string count = slots ? std::to_string(*slots) + " slots" : std::string{};
  if (policy.empty()) return count.empty() ? "as written" : count;
  return count.empty() ? policy : policy + ", " + count;
}

}  // namespace

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

std::optional<Interval> estimate(const VariantRuns& variant, std::size_t figure) {
  const auto& values = variant.values[figure];
  if (values.empty()) return std::nullopt;
  return interval_of(values);
}

std::optional<Interval> difference(const VariantRuns& base, const VariantRuns& variant,
                                   std::size_t figure) {
  const auto& before = base.values[figure];
  const auto& after = variant.values[figure];
  if (before.empty() || after.empty()) return std::nullopt;
  std::vector<double> differences;
  for (std::size_t seed = 0; seed < before.size(); ++seed) {
    differences.push_back(after[seed] - before[seed]);
  }
  return interval_of(differences);
}

std::optional<std::size_t> find_figure(const Comparison& comparison, const FigureRef& figure) {
  const auto& figures = comparison.figures;
  const auto place = std::find(figures.begin(), figures.end(), figure);
  if (place == figures.end()) return std::nullopt;
  return static_cast<std::size_t>(place - figures.begin());
}

Result<Comparison> compare(const std::vector<Variant>& variants,
                           const std::vector<std::uint64_t>& seeds, const std::string& traces,
                           const std::function<void(std::size_t)>& on_run) {
  SIGNALBOX_ASSERT(!variants.empty() && !seeds.empty());
  Comparison comparison;
  comparison.scenario = variants.front().scenario.name;
  comparison.seeds = seeds;
  comparison.figures = figures_of(variants);
  comparison.classes = classes_of(variants);
  std::size_t runs_done = 0;
  for (const Variant& variant : variants) {
    auto runs = run_variant(variant, comparison, traces, [&] { on_run(++runs_done); });
    if (runs.has_error()) return runs.error();
    comparison.variants.push_back(std::move(*runs));
  }
  leave_out_what_never_was(comparison);
  note_same_runs(comparison.variants);
  return comparison;
}

}  // namespace signalbox::sim
