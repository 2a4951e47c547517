#include "simulations/campaign/draw_house.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace signalbox::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t apps_max = 2;

template <class Value, std::size_t count>
Value any(RandomStream& random, const std::array<Value, count>& values) {
  return values[random.below(count)];
}

bool happens(RandomStream& random, std::uint64_t percent) {
  return random.below(100) < percent;
}

void draw_choices(Scenario& scenario, RandomStream& random) {
  for (const BackendSpec& server : scenario.backends) {
    if (server.pool.empty() || scenario.pools.contains(server.pool)) continue;
    // Half of them the one that remembers.
    scenario.pools[server.pool] =
        any(random,
            std::array{ChoiceKind::affinity, ChoiceKind::affinity, ChoiceKind::affinity,
                       ChoiceKind::first_match, ChoiceKind::round_robin, ChoiceKind::least_loaded});
  }
}

void draw_sessions(Scenario& scenario, RandomStream& random) {
  for (ClientSpec& client : scenario.clients) {
    if (happens(random, 70)) client.sessions = any(random, std::array{1U, 2U, 5U, 50U});
  }
}

Law draw_hold(RandomStream& random, bool has_beat) {
  const Duration mean = any(random, std::array<Duration, 3>{50ms, 200ms, 1s});
  const bool is_constant = has_beat || random.below(2) == 0;
  return {is_constant ? LawKind::constant : LawKind::exponential, mean.count()};
}

std::optional<ActLaw> draw_act(RandomStream& random) {
  if (random.below(2) == 0) return std::nullopt;
  const Duration after = any(random, std::array<Duration, 4>{0ms, 50ms, 200ms, 1s});
  return ActLaw{{LawKind::constant, after.count()},
                static_cast<std::uint32_t>(1 + random.below(40))};
}

/// Some renew in time, some at the last moment, some too late or never.
SlotUse draw_slot_use(RandomStream& random, bool has_beat) {
  SlotUse use;
  use.hold.base = draw_hold(random, has_beat);
  use.lease = any(random, std::array<Duration, 4>{0ms, 100ms, 400ms, 5s});
  if (use.lease == Duration::zero()) return use;
  use.renew_every = any(
      random, std::array<Duration, 4>{Duration::zero(), use.lease / 2, use.lease, use.lease * 2});
  return use;
}

ClientSpec draw_app(const Scenario& scenario, std::uint64_t number, Duration gap, bool has_beat,
                    RandomStream& random) {
  ClientSpec app;
  app.name = "app" + std::to_string(number);
  app.owner = random.below(2) == 0 ? "ann" : "bob";
  app.priority = all_priorities[random.below(priority_count)];
  const auto line = static_cast<std::ptrdiff_t>(random.below(scenario.profiles.size()));
  app.profile = std::next(scenario.profiles.begin(), line)->first;
  app.arrival.kind = has_beat ? ArrivalKind::constant : ArrivalKind::poisson;
  app.arrival.gap = gap * static_cast<std::int64_t>(1 + random.below(4));
  app.slot = draw_slot_use(random, has_beat);
  app.cancel = draw_act(random);
  app.hang_up = draw_act(random);
  if (happens(random, 30)) app.queue_wait = 100ms;
  if (happens(random, 30)) app.inference = any(random, std::array<Duration, 2>{50ms, 400ms});
  return app;
}

}  // namespace

/// Some heartbeats come too late to keep a session alive.
void draw_workers(Scenario& scenario, RandomStream& random) {
  scenario.worker_timeout = any(random, std::array<Duration, 3>{300ms, 2s, 90s});
  for (BackendSpec& server : scenario.backends) {
    if (!happens(random, 60)) continue;
    WorkerSpec& worker = server.worker.emplace();
    worker.heartbeat = any(random, std::array<Duration, 3>{100ms, 250ms, 1s});
    if (happens(random, 30)) worker.wakes_in = any(random, std::array<Duration, 3>{0ms, 200ms, 2s});
  }
}

void draw_house(Scenario& scenario, Duration gap, bool has_beat, RandomStream& random) {
  if (happens(random, 40)) draw_workers(scenario, random);
  if (happens(random, 50)) draw_choices(scenario, random);
  if (happens(random, 50)) draw_sessions(scenario, random);
  if (happens(random, 60)) return;
  const std::uint64_t apps = 1 + random.below(apps_max);
  for (std::uint64_t number = 0; number < apps; ++number) {
    scenario.clients.push_back(draw_app(scenario, number, gap, has_beat, random));
  }
}

}  // namespace signalbox::sim
