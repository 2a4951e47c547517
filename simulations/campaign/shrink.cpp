#include "simulations/campaign/shrink.hpp"

#include "simulations/campaign/shrink_passes.hpp"
#include "simulations/scenario/scenario_reader.hpp"
#include "simulations/scenario/scenario_writer.hpp"
#include "simulations/scenario/workload.hpp"

namespace signalbox::sim {
namespace {

/// FNV-1a.
std::uint64_t hash_text(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

/// Also that what its clients name is there, which a run would take for a failure of another kind.
bool can_be_read(const std::string& text) {
  return read_scenario(text, "shrunk.yaml").violations.empty();
}

}  // namespace

Shrinking::Shrinking(Scenario scenario, std::string failure, const FailureProbe& probe,
                     const ShrinkLimits& limits)
    : x_best{std::move(scenario)},
      x_failure{std::move(failure)},
      x_probe{probe},
      x_limits{limits},
      x_seen{hash_text(write_scenario(x_best))} {}

bool Shrinking::is_over() const {
  return x_tries >= x_limits.tries_max || (x_limits.is_over && x_limits.is_over());
}

bool Shrinking::attempt(const Scenario& candidate) {
  const std::string text = write_scenario(candidate);
  if (!x_seen.insert(hash_text(text)).second || is_over() || !can_be_read(text)) return false;
  ++x_tries;
  if (x_probe(candidate) != x_failure) return false;
  x_best = candidate;
  ++x_kept;
  return true;
}

std::optional<Shrunk> shrink(const Scenario& scenario, const FailureProbe& probe,
                             const ShrinkLimits& limits) {
  auto failure = probe(scenario);
  if (!failure) return std::nullopt;
  Shrinking shrinking{scenario, *failure, probe, limits};
  // What takes most away comes first: it makes all that follows quick.
  shorten_run(shrinking);
  freeze_clients(shrinking);
  std::uint64_t kept_before = 0;
  do {
    kept_before = shrinking.kept();
    delete_parts(shrinking);
    join_calls(shrinking);
    drop_options(shrinking);
    simplify_laws(shrinking);
    freeze_clients(shrinking);
    merge_parts(shrinking);
    lower_numbers(shrinking);
    lower_calls(shrinking);
  } while (shrinking.kept() != kept_before && !shrinking.is_over());
  return Shrunk{shrinking.best(), std::move(*failure), shrinking.tries() + 1, !shrinking.is_over()};
}

ScenarioSize measure(const Scenario& scenario, const std::string& traces) {
  ScenarioSize size;
  size.clients = scenario.clients.size();
  size.backends = scenario.backends.size();
  size.profiles = scenario.profiles.size();
  size.faults = scenario.faults.size();
  auto workload = Workload::open(scenario, scenario.seed, traces);
  if (workload.has_error()) return size;
  for (auto call = workload->next(); call.has_value() && *call; call = workload->next()) {
    ++size.calls;
  }
  return size;
}

}  // namespace signalbox::sim
