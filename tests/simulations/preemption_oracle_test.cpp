// Goal: what preemption costs is what theory says. Method: tasks of d = 10 s that start from
// scratch each time one of l = 0.1 interactive calls per second takes their slot for 1 s, without a
// budget that would matter: attempts e^(l d), lost work (e^(l d) - 1)/l - d, and from the first
// start to the end (e^(l d) - 1)(1/l + S/(1 - l S)). Interactive calls see nothing of the batch:
// they wait as in M/D/1. The mean over seeds must be within 1 % or three standard errors.
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "tests/simulations/queue_run.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using sim::ClassFigures;

double per_call(sim::TaskTime sum, const ClassFigures& figures) {
  return static_cast<double>(sum) / 1e9 / static_cast<double>(figures.done);
}

/// Mean and standard error.
Estimate estimate(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count - 1) / count)};
}

void check_costs(std::uint64_t tasks, std::uint64_t seeds) {
  sim::Scenario scenario = load_scenario("simulations/experiments/e7_preempt/batch.yaml");
  scenario.tasks = tasks;
  for (auto& [name, profile] : scenario.profiles) profile.preempt = Preempt::background;
  std::vector<double> attempts;
  std::vector<double> wasted_s;
  std::vector<double> finish_s;
  std::vector<double> wait_s;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const sim::RunFigures figures = run_scenario(scenario, {.seed = seed});
    const ClassFigures& batch = figures.classes[to_index(Priority::background)];
    const ClassFigures& chat = figures.classes[to_index(Priority::interactive)];
    REQUIRE(batch.done + chat.done == tasks);
    attempts.push_back(static_cast<double>(batch.attempts) / static_cast<double>(batch.done));
    wasted_s.push_back(per_call(batch.wasted_sum, batch));
    finish_s.push_back(per_call(batch.finish_sum, batch));
    wait_s.push_back(per_call(chat.done_wait_sum, chat));
    for (const ClassFigures* each : {&batch, &chat}) CHECK(each->wait_sum == each->queue_integral);
    CHECK(chat.attempts == chat.done);
  }
  check_mean(estimate(attempts), 2.718282, 0.01);
  check_mean(estimate(wasted_s), 7.182818, 0.01);
  check_mean(estimate(finish_s), 19.092020, 0.01);
  check_mean(estimate(wait_s), 0.055556, 0.01);
}

}  // namespace

TEST_CASE("oracle: preempt and requeue from scratch", "[simulations][oracle][preempt]") {
  check_costs(10'000, 8);
}

TEST_CASE("oracle: preempt and requeue at full length", "[.slow][oracle]") {
  check_costs(1'000'000, 10);
}

}  // namespace signalbox::testing
