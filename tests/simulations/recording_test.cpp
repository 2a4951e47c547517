// Goal: what was recorded, made again, waits as it did: run and replay are one. Method: a run is
// watched call by call, its calls become a recording, and the replay is watched in turn.
#include <catch2/catch.hpp>

#include "simulations/scenario/recording.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

class Collector final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { tasks[task.number] = task; }
  void sampled(std::uint64_t, const sim::LineState&) override {}
  /// By number, which is the order they were made in.
  std::map<std::uint64_t, sim::EndedTask> tasks;
};

sim::RecordedCall as_recorded(const sim::Scenario& scenario, const sim::EndedTask& task) {
  const sim::ClientSpec& client = scenario.clients[task.client];
  // A recording counts from a time of its own.
  return {task.arrived_at + 1h,
          task.ended_at - *task.dispatched_at,
          client.priority,
          client.profile,
          client.owner,
          client.target,
          task.size.tokens_in,
          task.size.tokens_out,
          *task.dispatched_at + 1h,
          {}};
}

}  // namespace

TEST_CASE("recording: a run, replayed, waits as it did", "[simulations][recording]") {
  for (const char* example : {"three_classes", "night_batch"}) {
    INFO(example);
    sim::Scenario scenario = load_example(example);
    if (scenario.tasks) scenario.tasks = 2'000;
    scenario.warmup_tasks = 0;
    Collector run;
    run_scenario(scenario, {.seed = 5, .observer = &run});
    std::vector<sim::RecordedCall> calls;
    for (const auto& [number, task] : run.tasks) calls.push_back(as_recorded(scenario, task));
    // The order of the rows is no matter.
    std::reverse(calls.begin(), calls.end());
    const sim::Scenario replay = sim::replay_scenario(calls, "replay");
    CHECK(replay.profiles.begin()->second.max_concurrent ==
          scenario.profiles.begin()->second.max_concurrent);
    Collector again;
    run_scenario(replay, {.seed = 1, .observer = &again});
    REQUIRE(again.tasks.size() == run.tasks.size());
    const Duration first = run.tasks.at(1).arrived_at;
    for (const auto& [number, task] : run.tasks) {
      const sim::EndedTask& repeated = again.tasks.at(number);
      CHECK(repeated.arrived_at == task.arrived_at - first);
      CHECK(repeated.dispatched_at == *task.dispatched_at - first);
      CHECK(repeated.wait == task.wait);
      CHECK(repeated.size.tokens_out == task.size.tokens_out);
    }
  }
}

TEST_CASE("recording: more slots than were in use shorten the waits", "[simulations][recording]") {
  std::vector<sim::RecordedCall> calls;
  for (int index = 0; index < 4; ++index) {
    calls.push_back({0s,
                     10s,
                     Priority::workflow,
                     "p",
                     "ann",
                     "m",
                     {},
                     {},
                     std::chrono::seconds{10 * index},
                     {}});
  }
  sim::Scenario replay = sim::replay_scenario(calls, "burst");
  CHECK(replay.profiles.at("p").max_concurrent == 1);
  const auto wait_sum = [&] {
    return sim::to_us(
        run_scenario(replay, {.seed = 1}).classes[to_index(Priority::workflow)].wait_sum);
  };
  CHECK(wait_sum() == 60'000'000);
  sim::set_slots(replay, 2);
  CHECK(wait_sum() == 20'000'000);
  sim::set_slots(replay, 4);
  CHECK(wait_sum() == 0);
}

TEST_CASE("recording: calls of one millisecond keep their order", "[simulations][recording]") {
  // By class the batch would be last; it was first all the same, and had the slot.
  const auto call = [](Priority priority, const char* id) {
    return sim::RecordedCall{5ms, 1s, priority, "p", "ann", "m", {}, {}, 0s, id};
  };
  const std::vector<sim::RecordedCall> calls{call(Priority::workflow, "3"),
                                             call(Priority::interactive, "2"),
                                             call(Priority::background, "1")};
  sim::Scenario replay = sim::replay_scenario(calls, "burst");
  sim::set_slots(replay, 1);
  Collector seen;
  run_scenario(replay, {.seed = 1, .observer = &seen});
  REQUIRE(seen.tasks.size() == 3);
  const auto priority_of = [&](std::uint64_t number) {
    return replay.clients[seen.tasks.at(number).client].priority;
  };
  CHECK(priority_of(1) == Priority::background);
  CHECK(seen.tasks.at(1).wait == 0s);
  CHECK(priority_of(2) == Priority::interactive);
  CHECK(seen.tasks.at(2).wait == 1s - 1ns);
  CHECK(priority_of(3) == Priority::workflow);
}

TEST_CASE("recording: what rows round away is no slot more", "[simulations][recording]") {
  // The second seems to begin 0.9 ms before the first has ended, because the row cut its time.
  std::vector<sim::RecordedCall> calls{
      {0ms, 10'900us, Priority::workflow, "p", "ann", "m", {}, {}, 0ms, "1"},
      {1ms, 10ms, Priority::workflow, "p", "ann", "m", {}, {}, 10ms, "2"}};
  CHECK(sim::replay_scenario(calls, "two").profiles.at("p").max_concurrent == 1);
  calls[1].admitted_at = 9ms;
  CHECK(sim::replay_scenario(calls, "two").profiles.at("p").max_concurrent == 2);
}

TEST_CASE("recording: a policy learns from a replay, and never knows what is to come",
          "[simulations][recording]") {
  // Two owners by turns, one slot: ann's calls are short, bob's are long, and rows tell it.
  std::vector<sim::RecordedCall> calls;
  for (int index = 0; index < 60; ++index) {
    const bool is_ann = index % 2 == 0;
    calls.push_back({index * 500ms, is_ann ? 200ms : 2s, Priority::workflow, "p",
                     is_ann ? "ann" : "bob", "m", 10, is_ann ? 20 : 200, index * 2s,
                     std::to_string(1'000 + index)});
  }
  const auto wait_under = [&](const char* policy, std::uint32_t tokens_of_bob) {
    for (auto& call : calls) {
      if (call.owner == "bob") call.tokens_out = tokens_of_bob;
    }
    sim::Scenario replay = sim::replay_scenario(calls, "turns");
    sim::set_slots(replay, 1);
    sim::set_policy(replay, policy);
    return sim::to_us(
        run_scenario(replay, {.seed = 1}).classes[to_index(Priority::workflow)].wait_sum);
  };
  const auto strict = wait_under("strict", 200);
  CHECK(wait_under("sjf", 200) < strict * 8 / 10);
  CHECK(wait_under("fair", 200) != strict);
  // Nothing but what servers have said tells them apart: with equal answers nobody is shorter.
  CHECK(wait_under("sjf", 20) == strict);
}

TEST_CASE("recording: a policy is told a prompt's length, and not the answer's",
          "[simulations][recording]") {
  const std::vector<sim::RecordedCall> calls{
      {0s, 1s, Priority::workflow, "p", "ann", "m", 10, 20, 0s, "1"}};
  const sim::Scenario replay = sim::replay_scenario(calls, "one");
  CHECK(replay.clients[0].declares_input);
  CHECK_FALSE(replay.clients[0].declares_size);
  CHECK(replay.backends[0].reports_usage);
}

TEST_CASE("recording: twice the traffic is the same calls in half the time",
          "[simulations][recording]") {
  const auto call = [](Duration at, const char* id) {
    return sim::RecordedCall{at, 3s, Priority::workflow, "p", "ann", "m", 1, 2, at, id};
  };
  const std::vector<sim::RecordedCall> calls{call(1h + 8s, "3"), call(1h, "1"), call(1h + 4s, "2")};
  const auto times_at = [&](std::uint32_t traffic) {
    const sim::Scenario replay = sim::replay_scenario(calls, "three", traffic);
    // What was in use at once is what rows say, whatever comes now.
    CHECK(replay.profiles.at("p").max_concurrent == 1);
    Collector seen;
    run_scenario(replay, {.seed = 1, .observer = &seen});
    std::vector<Duration> times;
    for (const auto& [number, task] : seen.tasks) {
      times.push_back(task.arrived_at);
      CHECK(task.ended_at - *task.dispatched_at == 3s);
    }
    return times;
  };
  using Times = std::vector<Duration>;
  CHECK(times_at(1'000) == Times{0s, 4s, 8s});
  CHECK(times_at(2'000) == Times{0s, 2s, 4s});
  CHECK(times_at(250) == Times{0s, 16s, 32s});
}

}  // namespace signalbox::testing
