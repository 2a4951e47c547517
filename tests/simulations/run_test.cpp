// Goal: one seed is one run, whoever runs it and whenever. Method: runs twice (that it is the same
// on every machine is for tests/golden); another order of messages at one instant changes no wait.
#include <catch2/catch.hpp>

#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

/// Collects what it is told.
class Collector final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { tasks.push_back(task); }
  void sampled(std::uint64_t second, const sim::LineState& line) override {
    CHECK(second == samples.size());
    samples.push_back(line);
  }
  std::vector<sim::EndedTask> tasks;
  std::vector<sim::LineState> samples;
};

}  // namespace

TEST_CASE("run: one seed prints the same bytes twice, another seed others",
          "[simulations][determinism]") {
  sim::Scenario scenario = load_example("three_classes");
  scenario.tasks = 3'000;
  const std::string first = sim::print_summary(run_scenario(scenario, {.seed = 7}));
  CHECK(sim::print_summary(run_scenario(scenario, {.seed = 7})) == first);
  CHECK(sim::print_summary(run_scenario(scenario, {.seed = 8})) != first);
}

TEST_CASE("run: the order of messages at one instant changes no wait",
          "[simulations][determinism]") {
  sim::Scenario scenario = load_example("three_classes");
  scenario.tasks = 3'000;
  const auto plain = run_scenario(scenario, {.seed = 7});
  for (const std::uint64_t order : {1ULL, 2ULL, 3ULL}) {
    const auto permuted = run_scenario(scenario, {.seed = 7, .schedule_seed = order});
    CHECK(sim::print_classes(permuted) == sim::print_classes(plain));
    CHECK(permuted.length == plain.length);
    // It was another order indeed.
    CHECK(permuted.trace_hash != plain.trace_hash);
  }
}

TEST_CASE("run: observers see every task and every second", "[simulations][run]") {
  sim::Scenario scenario = load_example("night_batch");
  scenario.horizon = std::chrono::seconds{7'230};
  Collector seen;
  const auto figures = run_scenario(scenario, {.seed = 1, .observer = &seen});
  REQUIRE(seen.tasks.size() == figures.tasks);
  std::array<std::uint64_t, priority_count> done{};
  sim::TaskTime waits = 0;
  for (const auto& task : seen.tasks) {
    REQUIRE(task.status == CallStatus::ok);
    REQUIRE(task.dispatched_at);
    CHECK(*task.dispatched_at - task.arrived_at == task.wait);
    CHECK(task.ended_at >= *task.dispatched_at);
    ++done[to_index(scenario.clients[task.client].priority)];
    waits += task.wait.count();
  }
  sim::TaskTime integral = 0;
  for (std::size_t index = 0; index < priority_count; ++index) {
    CHECK(done[index] == figures.classes[index].done);
    integral += figures.classes[index].queue_integral;
  }
  CHECK((waits == integral));
  CHECK(seen.samples.size() == static_cast<std::size_t>(to_seconds(figures.length)) + 1);
  // At 22:00:20 the batch stands in line.
  CHECK(seen.samples[7'220].queued[to_index(Priority::background)] > 20);
  CHECK(seen.samples[7'190].queued[to_index(Priority::background)] == 0);
  CHECK(seen.samples[7'220].running == 2);
}

TEST_CASE("run: a run budget ends what takes too long", "[simulations][run]") {
  sim::Scenario scenario = load_example("one_slot");
  scenario.tasks = 500;
  scenario.warmup_tasks = 0;
  scenario.clients[0].inference = std::chrono::seconds{1};
  const auto figures = run_scenario(scenario, {.seed = 1});
  const auto& calls = figures.classes[to_index(Priority::interactive)];
  CHECK(calls.submitted == 500);
  CHECK(calls.done + calls.run_timeouts == 500);
  // An exponential answer of mean 1 s is longer than that with probability 1/e.
  CHECK(calls.run_timeouts > 150);
  CHECK(calls.run_timeouts < 220);
}

TEST_CASE("run: a call that repeats another has no slot of its own", "[simulations][run]") {
  const auto scenario = read_whole_scenario(
      "version: 1\n"
      "profiles: {line: {max_concurrent: 1}}\n"
      "backends: [{name: server, service: {law: const, value_s: 2}}]\n"
      "clients:\n"
      "  - {name: caller, class: workflow, profile: line, model: server, arrival: {law: calls, "
      "calls: "
      "[{at_s: 0}, {at_s: 10, duplicate_after_s: 1}, {at_s: 20, duplicate_after_s: 5}]}}\n");
  const auto figures = run_scenario(scenario, {});
  const auto& calls = figures.classes[to_index(Priority::workflow)];
  CHECK(calls.done == 5);
  CHECK(calls.had_slot == 3);
  CHECK(calls.attempts == 3);
  CHECK((calls.finish_sum == 6'000'000'000));
  CHECK_THAT(sim::print_summary(figures), !Catch::Contains("went back"));
}

TEST_CASE("run: settings out of range are refused", "[simulations][run]") {
  sim::Scenario scenario = load_example("one_slot");
  sim::set_policy(scenario, "lottery");
  CHECK(sim::run(scenario, {.seed = 1}).has_error());
}

}  // namespace signalbox::testing
