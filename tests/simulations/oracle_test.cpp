// Goal: the admission that the daemon runs is the queue that theory knows. Method: Broker,
// ProfileActor and TaskActors on the virtual clock, Poisson arrivals, exponential service; mean
// waits against the closed forms for M/M/1 (O1) and M/M/4 with three non-preemptive classes (O4;
// Cobham 1954). Judged as the rule says: the mean over seeds within 1 % (2 % for the lowest class)
// or 3 standard errors, after the first 5 % of each run is dropped.
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {
namespace {

struct Workload {
  std::uint32_t slots = 1;
  /// Arrivals per second per class; zero = none.
  std::array<double, priority_count> rates{};
  Duration service = 1s;
  std::size_t tasks = 0;
};

struct Outcome {
  std::array<double, priority_count> mean_wait_s{};
  std::uint64_t trace_hash = 0xCBF29CE484222325ULL;
};

/// Sums up waits as ends come, hashes what happened, and lets the store forget what ended.
class WaitCounter {
 public:
  explicit WaitCounter(actors::TaskListener::pointer self) : x_self{self} {}

  actors::TaskListener::behavior_type make_behavior(std::shared_ptr<Outcome> outcome,
                                                    actors::StoreActor store, std::size_t skip) {
    x_outcome = std::move(outcome);
    x_store = std::move(store);
    x_skip = skip;
    return {
        [](const actors::TaskRefused&) { FAIL("nothing is refused here"); },
        [](const actors::TaskAccepted&) {},
        [](const actors::TaskBegan&) {},
        [](const actors::TaskData&) {},
        [](const actors::TaskMoved&) {},
        [](const actors::TaskReset&) {},
        [this](const actors::TaskEnded& message) { count(message); },
    };
  }

 private:
  void mix(std::uint64_t value) {
    x_outcome->trace_hash = (x_outcome->trace_hash ^ value) * 0x100000001B3ULL;
  }
  void count(const actors::TaskEnded& message) {
    const auto& facts = message.facts;
    mix(static_cast<std::uint64_t>(x_self->clock().now().time_since_epoch().count()));
    for (const std::uint8_t byte : facts.task.bytes) mix(byte);
    mix(to_index(facts.priority));
    x_self->send(x_store, actors::StoreWrite{DeleteTask{facts.task}, {}, 0});
    if (message.call <= x_skip) return;
    const std::size_t index = to_index(facts.priority);
    const double wait_s = facts.queue_wait_ms / 1e3;
    ++x_counts[index];
    auto& mean = x_outcome->mean_wait_s[index];
    mean += (wait_s - mean) / static_cast<double>(x_counts[index]);
  }

  actors::TaskListener::pointer x_self;
  actors::StoreActor x_store;
  std::shared_ptr<Outcome> x_outcome;
  std::size_t x_skip = 0;
  std::array<std::size_t, priority_count> x_counts{};
};

actors::TaskListener::behavior_type wait_counter(
    actors::TaskListener::stateful_pointer<WaitCounter> self, std::shared_ptr<Outcome> outcome,
    actors::StoreActor store, std::size_t skip) {
  return self->state.make_behavior(std::move(outcome), std::move(store), skip);
}

/// Three arrival streams merged in time order.
class Arrivals {
 public:
  Arrivals(const Workload& workload, std::uint64_t seed, Instant start) {
    for (const Priority priority : all_priorities) {
      const double rate = workload.rates[to_index(priority)];
      if (rate <= 0) continue;
      x_streams.push_back(
          {priority, from_seconds(1 / rate), start,
           sim::RandomStream{seed, std::string{"arrivals/"} + std::string{to_string(priority)}}});
    }
    for (auto& stream : x_streams) stream.next += stream.random.exponential(stream.mean);
  }
  std::pair<Instant, Priority> next() {
    auto earliest = std::min_element(
        x_streams.begin(), x_streams.end(),
        [](const auto& left, const auto& right) { return left.next < right.next; });
    const std::pair result{earliest->next, earliest->priority};
    earliest->next += earliest->random.exponential(earliest->mean);
    return result;
  }

 private:
  struct Stream {
    Priority priority;
    Duration mean;
    Instant next;
    sim::RandomStream random;
  };
  std::vector<Stream> x_streams;
};

Outcome simulate(const Workload& workload, std::uint64_t seed) {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = workload.slots;
  settings.profile_defaults.max_queued = 100'000;
  HouseFixture house{settings, {.schedule_seed = seed}};
  auto random = std::make_shared<sim::RandomStream>(seed, "service");
  house.add_backend("alpha", workload.slots, [random, mean = workload.service](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back(
        {random->exponential(mean), BackendFinished{200, "application/json", nullptr, nullptr}});
    return playback;
  });
  auto& world = house.world();
  auto outcome = std::make_shared<Outcome>();
  const actors::TaskListener listener =
      world.system().spawn(wait_counter, outcome, house.house().store, workload.tasks / 20);
  world.adopt(caf::actor_cast<caf::actor>(listener));
  Arrivals arrivals{workload, seed, world.now()};
  const Bytes body = make_bytes("{}");
  for (std::size_t number = 1; number <= workload.tasks; ++number) {
    const auto [at, priority] = arrivals.next();
    world.run_until(at);
    actors::SubmitTask submit;
    submit.call = number;
    submit.listener = listener;
    submit.task.id = TaskId{world.ids()->next()};
    submit.task.priority = priority;
    submit.request = body;
    submit.target = "alpha";
    submit.queue_wait = std::chrono::hours{24};
    submit.inference = std::chrono::hours{24};
    caf::anon_send(house.house().broker, std::move(submit));
  }
  world.run_until(world.now() + std::chrono::hours{1});
  return *outcome;
}

/// @returns mean and standard error over the seeds, per class.
std::array<std::pair<double, double>, priority_count> over_seeds(const Workload& workload,
                                                                 std::uint64_t seeds) {
  std::array<double, priority_count> sum{};
  std::array<double, priority_count> squares{};
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Outcome outcome = simulate(workload, seed);
    for (std::size_t index = 0; index < priority_count; ++index) {
      sum[index] += outcome.mean_wait_s[index];
      squares[index] += outcome.mean_wait_s[index] * outcome.mean_wait_s[index];
    }
  }
  std::array<std::pair<double, double>, priority_count> result;
  const auto count = static_cast<double>(seeds);
  for (std::size_t index = 0; index < priority_count; ++index) {
    const double mean = sum[index] / count;
    const double variance = std::max(0.0, squares[index] / count - mean * mean);
    result[index] = {mean, std::sqrt(variance / (count - 1))};
  }
  return result;
}

void check_mean(std::pair<double, double> measured, double expected, double tolerance) {
  const auto [mean, error] = measured;
  std::printf("  mean %.6f s, expected %.6f s, standard error %.6f s\n", mean, expected, error);
  CHECK(std::abs(mean - expected) <= std::max(tolerance * expected, 3 * error));
}

const Workload o1{.slots = 1, .rates = {0, 0.8, 0}, .service = 1s, .tasks = 20'000};
const Workload o4{.slots = 4, .rates = {0.4, 0.6, 0.6}, .service = 2s, .tasks = 20'000};

void check_o1(const Workload& workload, std::uint64_t seeds) {
  check_mean(over_seeds(workload, seeds)[1], 4.0, 0.01);
}

void check_o4(const Workload& workload, std::uint64_t seeds) {
  const auto waits = over_seeds(workload, seeds);
  check_mean(waits[0], 0.372770, 0.01);
  check_mean(waits[1], 0.745541, 0.01);
  check_mean(waits[2], 2.982162, 0.02);
}

Workload with_tasks(Workload workload, std::size_t tasks) {
  workload.tasks = tasks;
  return workload;
}

}  // namespace

TEST_CASE("oracle O1: one slot, first come first served", "[simulations][oracle]") {
  check_o1(o1, 8);
}

TEST_CASE("oracle O4: four slots, three classes, strict priority", "[simulations][oracle]") {
  check_o4(o4, 8);
}

TEST_CASE("oracle O1 and O4 at full length", "[.slow][oracle]") {
  check_o1(with_tasks(o1, 1'000'000), 10);
  check_o4(with_tasks(o4, 1'000'000), 10);
}

TEST_CASE("determinism: one seed has one trace, another has another",
          "[simulations][determinism]") {
  const Workload workload = with_tasks(o4, 5'000);
  const Outcome first = simulate(workload, 7);
  const Outcome second = simulate(workload, 7);
  CHECK(first.trace_hash == second.trace_hash);
  CHECK(first.mean_wait_s == second.mean_wait_s);
  CHECK(simulate(workload, 8).trace_hash != first.trace_hash);
}

}  // namespace signalbox::testing
