// Goal: the admission that the daemon runs is the queue that theory knows. Method: scenarios whose
// answer has a closed form, run by the daemon's own actors over several seeds; the mean over seeds
// must be within 1 % (2 % for the lowest class) or three standard errors of it (four in the quick
// test, whose eight short runs say little about their spread), after the first 5 % of each run is
// dropped. Whatever the numbers, the house's account of the waits must be the
// integral of the queue's length that the store saw, to the nanosecond.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using sim::ClassFigures;
using sim::RunFigures;

/// Mean and standard error over seeds.
class Estimate {
 public:
  void add(double value) {
    ++x_count;
    const double delta = value - x_mean;
    x_mean += delta / x_count;
    x_squares += delta * (value - x_mean);
  }
  [[nodiscard]] double mean() const { return x_mean; }
  [[nodiscard]] double standard_error() const {
    return std::sqrt(x_squares / (x_count - 1) / x_count);
  }

 private:
  double x_count = 0;
  double x_mean = 0;
  double x_squares = 0;
};

/// One figure of a run that theory knows.
struct Expectation {
  const char* what;
  double value = 0;
  std::function<double(const RunFigures&)> measure;
  /// Of the value.
  double tolerance = 0.01;
};

double wait_s(const RunFigures& figures, Priority priority) {
  return to_seconds(figures.classes[to_index(priority)].mean_wait());
}

Expectation wait_of(Priority priority, double seconds) {
  return {"wait", seconds, [priority](const RunFigures& run) { return wait_s(run, priority); },
          priority == Priority::background ? 0.02 : 0.01};
}

const ClassFigures& workflow(const RunFigures& figures) {
  return figures.classes[to_index(Priority::workflow)];
}

double share(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

struct Oracle {
  const char* scenario;
  std::vector<Expectation> expectations;
};

std::vector<Oracle> all_oracles() {
  const Expectation waits{"share that waits", 0.596432, [](const RunFigures& run) {
                            return share(workflow(run).waited, workflow(run).done);
                          }};
  const auto rejects = [](double value) {
    return Expectation{"share refused", value, [](const RunFigures& run) {
                         return share(workflow(run).rejected, workflow(run).submitted);
                       }};
  };
  const Expectation timeouts{"share timed out", 0.136072, [](const RunFigures& run) {
                               return share(workflow(run).queue_timeouts, workflow(run).submitted);
                             }};
  // The warm-up counts here; it is short beside the run.
  const Expectation length{"mean queue", 5.390606, [](const RunFigures& run) {
                             return static_cast<double>(workflow(run).queue_integral) /
                                    static_cast<double>(run.length.count());
                           }};
  const Expectation mix{"mix of waits", 1.491081, [](const RunFigures& run) {
                          double sum = 0;
                          double done = 0;
                          for (const ClassFigures& figures : run.classes) {
                            sum += static_cast<double>(figures.done_wait_sum) / 1e9;
                            done += static_cast<double>(figures.done);
                          }
                          return sum / done;
                        }};
  return {
      {"o1", {wait_of(Priority::workflow, 4)}},
      {"o2", {wait_of(Priority::workflow, 0.745541), waits}},
      {"o3_one_slot", {wait_of(Priority::workflow, 2)}},
      {"o3_four_slots", {wait_of(Priority::workflow, 0.386095)}},
      {"o4",
       {wait_of(Priority::interactive, 0.372770), wait_of(Priority::workflow, 0.745541),
        wait_of(Priority::background, 2.982162), mix}},
      {"o5",
       {wait_of(Priority::interactive, 1.769608), wait_of(Priority::workflow, 2.722474),
        wait_of(Priority::background, 9.256410)}},
      {"o6_queue_of_ten", {rejects(0.127108), wait_of(Priority::workflow, 1.403538), length}},
      {"o6_no_queue", {rejects(0.121876), wait_of(Priority::workflow, 0)}},
      {"o7", {timeouts, wait_of(Priority::workflow, 0.981754)}},
      {"o8", {wait_of(Priority::workflow, 1.882219)}},
  };
}

void check_little(const RunFigures& figures) {
  for (const ClassFigures& of_class : figures.classes) {
    CHECK(sim::to_us(of_class.wait_sum - of_class.queue_integral) == 0);
    CHECK((of_class.wait_sum == of_class.queue_integral));
    CHECK(of_class.submitted == of_class.done + of_class.rejected + of_class.queue_timeouts);
  }
}

struct Effort {
  std::uint64_t seeds = 0;
  std::uint64_t tasks = 0;
  /// Allowed whatever the tolerance.
  double standard_errors = 3;
};

void check_oracle(const Oracle& oracle, const Effort& effort) {
  sim::Scenario scenario = load_oracle(oracle.scenario);
  scenario.tasks = effort.tasks;
  scenario.warmup_tasks = effort.tasks / 20;
  std::vector<Estimate> estimates(oracle.expectations.size());
  for (std::uint64_t seed = 1; seed <= effort.seeds; ++seed) {
    const RunFigures figures = run_scenario(scenario, {.seed = seed});
    check_little(figures);
    for (std::size_t index = 0; index < estimates.size(); ++index) {
      estimates[index].add(oracle.expectations[index].measure(figures));
    }
  }
  for (std::size_t index = 0; index < estimates.size(); ++index) {
    const Expectation& expected = oracle.expectations[index];
    const Estimate& found = estimates[index];
    INFO(oracle.scenario << ", " << expected.what << ": " << found.mean() << " +- "
                         << found.standard_error() << ", theory says " << expected.value);
    CHECK(std::abs(found.mean() - expected.value) <=
          std::max(expected.tolerance * expected.value,
                   effort.standard_errors * found.standard_error()));
  }
}

}  // namespace

TEST_CASE("queue oracles: waits, refusals and timeouts are those of theory",
          "[simulations][oracle]") {
  for (const Oracle& oracle : all_oracles()) check_oracle(oracle, {8, 20'000, 4});
}

TEST_CASE("queue oracles at full length", "[.slow][oracle]") {
  for (const Oracle& oracle : all_oracles()) check_oracle(oracle, {10, 1'000'000, 3});
}

}  // namespace signalbox::testing
