// Goal: users who wait for their answers before they call again make the closed queue that theory
// knows (the machine repairman: N users who think for Z on average, c slots, service S, all
// exponential), and each of them waits for just his own answer. Method: the birth-death chain of
// the model is solved here and its throughput and mean wait are held against runs; small scenarios
// by hand.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <map>
#include <set>

#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

struct ClosedQueue {
  std::uint32_t users = 1;
  std::uint32_t slots = 1;
  double think_s = 1;
  double service_s = 1;
};

struct Steady {
  /// Unit: calls per second.
  double throughput = 0;
  double mean_wait_s = 0;
};

/// p(n + 1) = p(n) (N - n) / Z * S / min(n + 1, c).
Steady solve(const ClosedQueue& queue) {
  std::vector<double> weights{1};
  for (std::uint32_t n = 0; n < queue.users; ++n) {
    weights.push_back(weights.back() * (queue.users - n) / queue.think_s * queue.service_s /
                      std::min(n + 1, queue.slots));
  }
  double sum = 0;
  double calls = 0;
  double line = 0;
  for (std::uint32_t n = 0; n <= queue.users; ++n) {
    sum += weights[n];
    calls += weights[n] * (queue.users - n) / queue.think_s;
    line += weights[n] * (n > queue.slots ? n - queue.slots : 0);
  }
  return {calls / sum, line / calls};
}

sim::Scenario scenario_of(const ClosedQueue& queue, std::uint64_t tasks) {
  sim::Scenario scenario = read_whole_scenario(
      "version: 1\n"
      "tasks: " +
      std::to_string(tasks) +
      "\n"
      "profiles: {line: {max_concurrent: " +
      std::to_string(queue.slots) +
      ", max_queued: 10000, default_queue_wait_s: 86400, default_inference_s: 86400}}\n"
      "backends: [{name: m, service: {law: exp, mean_s: " +
      std::to_string(queue.service_s) +
      "}}]\n"
      "clients:\n"
      "  - {name: users, class: workflow, profile: line, model: m,\n"
      "     arrival: {law: closed, users: " +
      std::to_string(queue.users) + ", think: {law: exp, mean_s: " + std::to_string(queue.think_s) +
      "}}}\n");
  scenario.warmup_tasks = tasks / 20;
  return scenario;
}

/// The mean over seeds is within 1 % of what is expected, or within 3 standard errors.
void check_near(const std::vector<double>& values, double expected) {
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const double mean = sum / count;
  const double error = std::sqrt(std::max(0.0, squares / count - mean * mean) / (count - 1));
  std::printf("  mean %.6f, expected %.6f, standard error %.6f\n", mean, expected, error);
  CHECK(std::abs(mean - expected) <= std::max(0.01 * expected, 3 * error));
  // An error of that size proves nothing.
  CHECK(error <= 0.05 * expected);
}

void check_closed(const ClosedQueue& queue, std::uint64_t seeds, std::uint64_t tasks) {
  const Steady expected = solve(queue);
  std::vector<double> throughputs;
  std::vector<double> waits;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto figures = run_scenario(scenario_of(queue, tasks), {.seed = seed});
    const auto& line = figures.classes[to_index(Priority::workflow)];
    CHECK(figures.tasks == tasks);
    CHECK((line.wait_sum == line.queue_integral));
    throughputs.push_back(static_cast<double>(figures.tasks) / to_seconds(figures.length));
    waits.push_back(static_cast<double>(line.done_wait_sum) / 1e9 / static_cast<double>(line.done));
  }
  check_near(throughputs, expected.throughput);
  check_near(waits, expected.mean_wait_s);
}

constexpr ClosedQueue busy{20, 3, 10, 2};
constexpr ClosedQueue calm{5, 2, 10, 2};

/// Calls of the run, in the order they were made.
class Calls final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { tasks[task.number] = task; }
  void sampled(std::uint64_t, const sim::LineState&) override {}
  std::map<std::uint64_t, sim::EndedTask> tasks;
};

sim::Scenario one_user(const std::string& more) {
  return read_whole_scenario(
      "version: 1\n"
      "horizon_s: 10000\n"
      "profiles: {line: {max_concurrent: 1}}\n"
      "backends: [{name: m, service: {law: const, value_s: 2}}]\n"
      "clients:\n"
      "  - {name: user, class: workflow, profile: line, model: m, " +
      more + "}\n");
}

}  // namespace

TEST_CASE("closed oracle: the chain's own numbers", "[simulations][oracle]") {
  // One user, one slot: he is served for S of every Z + S, and never waits.
  CHECK(solve({1, 1, 3, 1}).throughput == Approx(0.25));
  CHECK(solve({1, 1, 3, 1}).mean_wait_s == Approx(0));
  // As many slots as users: nobody waits.
  CHECK(solve({7, 7, 9, 1}).throughput == Approx(0.7));
  // Two users, one slot, Z = S = 1: p is 1/5, 2/5, 2/5.
  CHECK(solve({2, 1, 1, 1}).throughput == Approx(0.8));
  CHECK(solve({2, 1, 1, 1}).mean_wait_s == Approx(0.5));
}

TEST_CASE("closed oracle: users who wait for their answers", "[simulations][oracle]") {
  check_closed(busy, 6, 12'000);
  check_closed(calm, 6, 6'000);
}

TEST_CASE("closed oracle at full length", "[.slow][oracle]") {
  check_closed(busy, 10, 200'000);
  check_closed(calm, 10, 200'000);
}

TEST_CASE("closed: a user thinks, calls, waits, and thinks again", "[simulations][closed]") {
  Calls calls;
  const auto figures = run_scenario(
      one_user("start_s: 10, tasks: 3, arrival: {law: closed, users: 1, think: {law: const, "
               "value_s: 5}}"),
      {.observer = &calls});
  REQUIRE(figures.tasks == 3);
  CHECK(calls.tasks.at(1).arrived_at == 15s);
  CHECK(calls.tasks.at(2).arrived_at == 22s);
  CHECK(calls.tasks.at(3).arrived_at == 29s);
  CHECK(figures.length == 31s);
}

TEST_CASE("closed: the horizon ends it, however many still think", "[simulations][closed]") {
  auto scenario = one_user(
      "arrival: {law: closed, users: 40, think: {law: uniform, min_s: 1, max_s: 9}}, "
      "queue_wait_s: 3");
  scenario.horizon = 60s;
  Calls calls;
  const auto figures = run_scenario(scenario, {.observer = &calls});
  CHECK(figures.tasks > 200);
  CHECK(calls.tasks.rbegin()->second.arrived_at <= 60s);
  // Most are sent away after three seconds, and none of them calls less for it.
  CHECK(figures.classes[to_index(Priority::workflow)].queue_timeouts > 100);
}

TEST_CASE("closed: who leaves, is refused or calls again waits for no answer",
          "[simulations][closed]") {
  const auto calls_of = [](const std::string& more) {
    Calls calls;
    run_scenario(one_user("tasks: 4, arrival: {law: closed, users: 1, think: {law: const, value_s: "
                          "5}}, " +
                          more),
                 {.observer = &calls});
    std::vector<std::int64_t> times;
    for (const auto& [number, task] : calls.tasks) {
      times.push_back(
          std::chrono::duration_cast<std::chrono::milliseconds>(task.arrived_at).count());
    }
    return times;
  };
  using Times = std::vector<std::int64_t>;
  CHECK(calls_of("hang_up_after: {law: const, value_s: 1}") ==
        Times{5'000, 11'000, 17'000, 23'000});
  CHECK(calls_of("cancel_after: {law: const, value_s: 0.5}") ==
        Times{5'000, 10'500, 16'000, 21'500});
  // Asked for by its id: the answer to that is the id.
  CHECK(calls_of("async: true") == Times{5'000, 10'000, 15'000, 20'000});
  // A call and its second try, a second later; then he thinks. Tries are not among the four.
  CHECK(calls_of("inference_s: 1, retry: {tries: 2, backoff_s: 1}") ==
        Times{5'000, 7'000, 13'000, 15'000, 21'000, 23'000, 29'000, 31'000});
}

TEST_CASE("closed: a user's calls are the same however long others wait", "[simulations][closed]") {
  auto scenario = one_user(
      "tasks: 400, tokens_out: {law: uniform, min: 1, max: 1000000}, "
      "arrival: {law: closed, users: 10, think: {law: exp, mean_s: 9}}");
  const auto sizes_with = [&](std::uint32_t slots) {
    sim::set_slots(scenario, slots);
    Calls calls;
    run_scenario(scenario, {.seed = 3, .observer = &calls});
    std::set<std::uint32_t> sizes;
    for (const auto& [number, task] : calls.tasks) sizes.insert(task.size.tokens_out);
    return sizes;
  };
  const auto alone = sizes_with(1);
  const auto together = sizes_with(10);
  std::vector<std::uint32_t> both;
  std::set_intersection(alone.begin(), alone.end(), together.begin(), together.end(),
                        std::back_inserter(both));
  // Who is answered sooner calls more often, so the last calls of some are others.
  CHECK(both.size() > 300);
}

}  // namespace signalbox::testing
