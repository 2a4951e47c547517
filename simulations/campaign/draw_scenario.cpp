#include "simulations/campaign/draw_scenario.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "simulations/campaign/draw_admission.hpp"
#include "simulations/campaign/draw_arrivals.hpp"
#include "simulations/campaign/draw_faults.hpp"
#include "simulations/campaign/draw_house.hpp"
#include "simulations/campaign/draw_models.hpp"
#include "simulations/scenario/random.hpp"

namespace signalbox::sim {
namespace {

using namespace std::chrono_literals;

/// Draws of one scenario. Odds are out of 100.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : x_random{seed, "swarm"} {}

  bool happens(std::uint64_t percent) { return x_random.below(100) < percent; }
  std::uint64_t between(std::uint64_t low, std::uint64_t high) {
    return low + x_random.below(high - low + 1);
  }
  template <class Value, std::size_t count>
  Value any(const std::array<Value, count>& values) {
    return values[x_random.below(count)];
  }
  template <class Value>
  const Value& any(const std::vector<Value>& values) {
    return values[x_random.below(values.size())];
  }
  RandomStream& random() { return x_random; }

 private:
  RandomStream x_random;
};

/// What a run has at all.
struct Features {
  bool has_async = false;
  bool has_streams = false;
  bool has_cancels = false;
  bool has_hang_ups = false;
  bool has_duplicates = false;
  bool has_policies = false;
  bool has_preemption = false;
  bool has_tight_budgets = false;
  bool has_tight_bounds = false;
  /// All times are multiples of one, so that things happen at one instant.
  bool has_beat = false;
};

Features draw_features(Draw& draw) {
  Features features;
  for (bool* feature :
       {&features.has_async, &features.has_streams, &features.has_cancels, &features.has_hang_ups,
        &features.has_duplicates, &features.has_policies, &features.has_preemption,
        &features.has_tight_budgets, &features.has_tight_bounds, &features.has_beat}) {
    *feature = draw.happens(50);
  }
  return features;
}

PolicyOptions draw_options(Draw& draw, std::uint32_t slots) {
  PolicyOptions options;
  if (slots > 1 && draw.happens(20)) options.reserve_interactive = 1;
  if (draw.happens(20)) options.background_trickle = static_cast<std::uint32_t>(draw.between(1, 4));
  for (auto& weight : options.aging_weights) {
    weight = static_cast<std::uint32_t>(draw.between(1, 10));
  }
  options.sjf_max_bypass_s = draw.any(std::array{0.0, 0.5, 5.0, 60.0});
  options.swap_max_bypass_s = draw.any(std::array{0.0, 0.5, 5.0, 30.0});
  return options;
}

ProfileSettings draw_profile(Draw& draw, const Features& features) {
  ProfileSettings settings;
  settings.max_concurrent = static_cast<std::uint32_t>(draw.between(1, 4));
  settings.max_queued = features.has_tight_bounds ? draw.any(std::array{0U, 1U, 2U, 4U})
                                                  : draw.any(std::array{8U, 32U, 200U});
  settings.default_queue_wait_s = features.has_tight_budgets
                                      ? draw.any(std::array{0.001, 0.1, 0.5, 2.0})
                                      : draw.any(std::array{5.0, 20.0, 60.0});
  settings.default_inference_s = features.has_tight_budgets ? draw.any(std::array{0.001, 0.2, 1.0})
                                                            : draw.any(std::array{2.0, 10.0, 30.0});
  if (features.has_preemption) {
    settings.preempt = Preempt::background;
    settings.preempt_budget = static_cast<std::uint32_t>(draw.between(0, 3));
  }
  if (!features.has_policies) return settings;
  settings.policy = draw.any(std::array<std::string, 5>{"strict", "aging", "fair", "sjf", "swap"});
  settings.policy_options = draw_options(draw, *settings.max_concurrent);
  return settings;
}

/// Unit: ns.
Law draw_times(Draw& draw, const Features& features, Duration mean) {
  const std::int64_t length = mean.count();
  if (features.has_beat) return {LawKind::constant, length};
  switch (draw.between(0, 2)) {
    case 0:
      return {LawKind::constant, length};
    case 1:
      return {LawKind::uniform, 0, 2 * length};
    default:
      return {LawKind::exponential, length};
  }
}

Duration draw_length(Draw& draw) {
  return draw.any(std::array{50ms, 100ms, 200ms, 400ms});
}

BackendSpec draw_server(Draw& draw, const Features& features, std::size_t number) {
  BackendSpec server;
  server.name = "server" + std::to_string(number);
  if (draw.happens(50)) server.pool = "pool";
  server.capacity = static_cast<std::uint32_t>(draw.between(1, 4));
  server.service.base = draw_times(draw, features, draw_length(draw));
  const bool is_linear = server.service.base.kind == LawKind::constant && draw.happens(30);
  if (is_linear && !features.has_beat) server.service.per_token_out = 1ms;
  return server;
}

std::optional<ActLaw> draw_act(Draw& draw, const Features& features) {
  ActLaw act;
  // At once, while it waits, while it runs, when it has ended.
  const Duration mean = draw.any(std::array<Duration, 4>{0ms, 50ms, 200ms, 2s});
  act.after = draw_times(draw, features, mean);
  act.percent = static_cast<std::uint32_t>(draw.between(1, 40));
  return act;
}

ClientSpec draw_client(Draw& draw, const Features& features, const Scenario& scenario,
                       std::size_t number, Duration gap) {
  ClientSpec client;
  client.name = "client" + std::to_string(number);
  client.owner = draw.happens(50) ? "ann" : "bob";
  client.priority = all_priorities[draw.between(0, priority_count - 1)];
  client.profile = "line" + std::to_string(draw.between(0, scenario.profiles.size() - 1));
  const BackendSpec& server = draw.any(scenario.backends);
  client.target = server.pool.empty() || draw.happens(30) ? server.name : server.pool;
  client.arrival.kind =
      features.has_beat || draw.happens(30) ? ArrivalKind::constant : ArrivalKind::poisson;
  client.arrival.gap = gap;
  client.tokens_in = {LawKind::uniform, 1, 500};
  client.tokens_out = {LawKind::uniform, 1, 200};
  client.declares_size = draw.happens(50);
  client.is_async = features.has_async && draw.happens(50);
  client.streaming = features.has_streams && draw.happens(60);
  if (features.has_cancels && draw.happens(60)) client.cancel = draw_act(draw, features);
  if (features.has_hang_ups && draw.happens(60)) client.hang_up = draw_act(draw, features);
  if (features.has_duplicates && draw.happens(60)) client.duplicate = draw_act(draw, features);
  if (features.has_tight_budgets && draw.happens(30)) client.queue_wait = 100ms;
  if (features.has_tight_budgets && draw.happens(30)) client.inference = draw_length(draw);
  return client;
}

config::GcSettings draw_collector(Draw& draw) {
  config::GcSettings gc;
  gc.interval_s = static_cast<std::uint32_t>(draw.between(1, 3));
  gc.pending_timeout_s = static_cast<std::uint32_t>(draw.between(2, 60));
  gc.terminal_retention_s = static_cast<std::uint32_t>(draw.between(1, 20));
  gc.call_retention_s = static_cast<std::uint32_t>(draw.between(1, 20));
  return gc;
}

/// Mean time between two calls of the whole scenario, at which its servers are about as busy as
/// drawn: from idle to twice what they can take.
Duration draw_gap(Draw& draw, const Scenario& scenario) {
  std::int64_t slots = 0;
  for (const auto& [name, settings] : scenario.profiles) slots += *settings.max_concurrent;
  std::int64_t capacity = 0;
  for (const BackendSpec& server : scenario.backends) capacity += *server.capacity;
  const auto load_percent = static_cast<std::int64_t>(draw.any(std::array{30, 70, 95, 130, 200}));
  return 200ms * 100 / (std::min(slots, capacity) * load_percent);
}

// From streams of their own: the rest of a seed's scenario is the same without them.

void draw_owner_weights(Scenario& scenario, RandomStream random) {
  for (auto& [name, settings] : scenario.profiles) {
    for (const char* owner : {"ann", "bob"}) {
      const bool is_weighed = random.below(2) == 0;
      const auto weight = static_cast<std::uint32_t>(1 + random.below(20));
      if (is_weighed) settings.policy_options.fair_weights[owner] = weight;
    }
  }
}

void draw_retries(Scenario& scenario, bool has_beat, RandomStream random) {
  const bool has_retries = random.below(2) == 0;
  if (random.below(10) == 0) scenario.has_breaker = false;
  for (ClientSpec& client : scenario.clients) {
    RetryLaw retry;
    retry.tries = static_cast<std::uint32_t>(2 + random.below(4));
    retry.backoff = std::array<Duration, 4>{0ms, 50ms, 200ms, 1s}[random.below(4)];
    retry.factor = static_cast<std::uint32_t>(1 + random.below(3));
    retry.jitter = has_beat ? 0 : static_cast<std::uint32_t>(random.below(3) * 500);
    retry.heeds_retry_after = random.below(2) == 0;
    const bool comes_back = random.below(100) < 60;
    if (has_retries && comes_back) client.retry = retry;
  }
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed, std::uint64_t tasks) {
  Draw draw{seed};
  const Features features = draw_features(draw);
  Scenario scenario;
  scenario.name = "fuzz" + std::to_string(seed);
  scenario.seed = seed;
  scenario.tasks = tasks;
  if (draw.happens(25)) scenario.commit = CommitMode::relaxed;
  if (draw.happens(80)) scenario.schedule_seed = draw.random().next();
  if (draw.happens(25)) scenario.gc = draw_collector(draw);
  const std::uint64_t profiles = draw.between(1, 3);
  for (std::uint64_t number = 0; number < profiles; ++number) {
    scenario.profiles["line" + std::to_string(number)] = draw_profile(draw, features);
  }
  const std::uint64_t servers = draw.between(1, 3);
  for (std::uint64_t number = 0; number < servers; ++number) {
    scenario.backends.push_back(draw_server(draw, features, number));
  }
  const std::uint64_t clients = draw.between(1, 4);
  Duration gap = draw_gap(draw, scenario) * static_cast<std::int64_t>(clients);
  if (features.has_beat) gap = std::max<Duration>(gap - gap % 50ms, 50ms);
  for (std::uint64_t number = 0; number < clients; ++number) {
    scenario.clients.push_back(draw_client(draw, features, scenario, number, gap));
  }
  const Duration length =
      gap * static_cast<std::int64_t>(tasks) / static_cast<std::int64_t>(clients);
  draw_owner_weights(scenario, RandomStream{seed, "owner weights"});
  draw_retries(scenario, features.has_beat, RandomStream{seed, "retries"});
  RandomStream house{seed, "house"};
  draw_house(scenario, gap, features.has_beat, house);
  RandomStream admission{seed, "admission"};
  draw_admission(scenario, admission);
  RandomStream models{seed, "models"};
  draw_models(scenario, models);
  RandomStream arrivals{seed, "arrival laws"};
  if (!features.has_beat) draw_arrivals(scenario, arrivals);
  RandomStream faults{seed, "faults"};
  draw_faults(scenario, length, features.has_beat, faults);
  return scenario;
}

}  // namespace signalbox::sim
