#include "tests/simulations/queue_run.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

namespace signalbox::testing {
namespace {

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

/// One executor whose models share its room.
void add_models(HouseFixture& house, const Workload& workload,
                std::shared_ptr<std::map<TaskId, Duration>> lengths,
                std::shared_ptr<Outcome> outcome) {
  actors::PlaybackSetup setup;
  setup.id = 1;
  setup.directory = house.house().directory;
  for (std::uint32_t model = 0; model < workload.models; ++model) {
    Llm llm;
    llm.name = "model " + std::to_string(model);
    llm.model = llm.name;
    llm.kind = LlmKind::plugin;
    llm.type = "playback";
    llm.capacity = workload.slots;
    llm.group = "backend";
    llm.status = LlmStatus::active;
    setup.llms.push_back(std::move(llm));
  }
  setup.script = [lengths = std::move(lengths), outcome = std::move(outcome),
                  loaded = std::string{"model 0"},
                  swap_cost = workload.swap_cost](const BackendCall& call) mutable {
    Duration length = lengths->extract(call.task).mapped();
    if (call.model != loaded) {
      length += swap_cost;
      ++outcome->swaps;
      loaded = call.model;
    }
    actors::Playback playback;
    playback.steps.push_back({length, BackendFinished{200, "application/json", nullptr, nullptr}});
    return playback;
  };
  auto& world = house.world();
  world.adopt(
      caf::actor_cast<caf::actor>(world.system().spawn(actors::playback_actor, std::move(setup))));
  world.run();
}

}  // namespace

Outcome simulate(const Workload& workload, std::uint64_t seed) {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = workload.slots;
  settings.profile_defaults.max_queued = 100'000;
  settings.profile_defaults.policy = workload.policy;
  settings.profile_defaults.policy_options = workload.options;
  HouseFixture house{settings, {.schedule_seed = seed}};
  auto outcome = std::make_shared<Outcome>();
  // A call's length is drawn when it comes, so that it is the same under every policy.
  auto lengths = std::make_shared<std::map<TaskId, Duration>>();
  add_models(house, workload, lengths, outcome);
  auto& world = house.world();
  const actors::TaskListener listener =
      world.system().spawn(wait_counter, outcome, house.house().store, workload.tasks / 20);
  world.adopt(caf::actor_cast<caf::actor>(listener));
  Arrivals arrivals{workload, seed, world.now()};
  sim::RandomStream service{seed, "service"};
  sim::RandomStream owners{seed, "owners"};
  sim::RandomStream models{seed, "models"};
  const Bytes body = make_bytes("{}");
  for (std::size_t number = 1; number <= workload.tasks; ++number) {
    const auto [at, priority] = arrivals.next();
    world.run_until(at);
    actors::SubmitTask submit;
    submit.call = number;
    submit.listener = listener;
    submit.task.id = TaskId{world.ids()->next()};
    submit.task.priority = priority;
    submit.task.owner = std::to_string(owners.below(workload.owners));
    submit.request = body;
    submit.target = "model " + std::to_string(models.below(workload.models));
    submit.task.profile = "queue";
    submit.queue_wait = std::chrono::hours{24};
    submit.inference = std::chrono::hours{24};
    const Duration length = service.exponential(workload.service);
    lengths->emplace(submit.task.id, length);
    if (workload.says_size) {
      submit.size.tokens_out_max = static_cast<std::uint32_t>(length.count() / 1000 + 1);
    }
    caf::anon_send(house.house().broker, std::move(submit));
  }
  world.run_until(world.now() + std::chrono::hours{1});
  return *outcome;
}

namespace {

Estimate estimate(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  const double variance = std::max(0.0, squares / count - mean * mean);
  return {mean, std::sqrt(variance / (count - 1))};
}

}  // namespace

std::array<Estimate, priority_count> over_seeds(const Workload& workload, std::uint64_t seeds) {
  std::array<std::vector<double>, priority_count> waits;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Outcome outcome = simulate(workload, seed);
    for (std::size_t index = 0; index < priority_count; ++index) {
      waits[index].push_back(outcome.mean_wait_s[index]);
    }
  }
  return {estimate(waits[0]), estimate(waits[1]), estimate(waits[2])};
}

Estimate mix_over_seeds(const Workload& workload, std::uint64_t seeds) {
  double rates = 0;
  for (const double rate : workload.rates) rates += rate;
  std::vector<double> mixes;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Outcome outcome = simulate(workload, seed);
    double mix = 0;
    for (std::size_t index = 0; index < priority_count; ++index) {
      mix += workload.rates[index] / rates * outcome.mean_wait_s[index];
    }
    mixes.push_back(mix);
  }
  return estimate(mixes);
}

void check_mean(Estimate measured, double expected, double tolerance) {
  const auto [mean, error] = measured;
  std::printf("  mean %.6f s, expected %.6f s, standard error %.6f s\n", mean, expected, error);
  CHECK(std::abs(mean - expected) <= std::max(tolerance * expected, 3 * error));
}

Workload with_tasks(Workload workload, std::size_t tasks) {
  workload.tasks = tasks;
  return workload;
}

}  // namespace signalbox::testing
