// Goal: under each policy the daemon's admission is the queue that theory knows. Method: as in
// oracle_test.cpp; linear aging on O4's load (Kleinrock 1964), shortest job first with predictions
// that are true on O8 (Phipps 1956), and the conservation law (Kleinrock 1965): whatever a policy
// does without looking at sizes, the mix of the waits is the same.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>

#include "tests/simulations/queue_run.hpp"

namespace signalbox::testing {
namespace {

constexpr double o4_mix = 1.491081;

Workload under(const std::string& policy, Workload workload, PolicyOptions options = {}) {
  workload.policy = policy;
  workload.options = options;
  return workload;
}

void check_aging(std::size_t tasks, std::uint64_t seeds) {
  const auto waits = over_seeds(under("aging", with_tasks(o4, tasks)), seeds);
  check_mean(waits[0], 0.816545, 0.01);
  check_mean(waits[1], 1.301738, 0.01);
  check_mean(waits[2], 2.130116, 0.02);
}

// No bound, which theory does not know.
Workload o8(std::size_t tasks) {
  Workload workload = under("sjf", with_tasks(o1, tasks), {.sjf_max_bypass_s = 86'400});
  workload.says_size = true;
  return workload;
}

Workload swapping(const std::string& policy, std::size_t tasks) {
  return {.slots = 1,
          .rates = {0, 0.15, 0},
          .service = 2s,
          .tasks = tasks,
          .policy = policy,
          .models = 3,
          .swap_cost = 4s};
}

}  // namespace

TEST_CASE("oracle: aging with weights 4, 2, 1 on O4's load", "[simulations][oracle][aging]") {
  check_aging(20'000, 8);
}

TEST_CASE("oracle O8: shortest job first when predictions are the truth",
          "[simulations][oracle][sjf]") {
  check_mean(over_seeds(o8(20'000), 8)[1], 1.882219, 0.01);
}

// On the same arrivals and lengths the difference is far smaller than the spread of either.
TEST_CASE("conservation: orders that look at no size have the same mix of waits on O4",
          "[simulations][oracle][conservation]") {
  constexpr std::uint64_t seeds = 4;
  const double strict = mix_over_seeds(o4, seeds).first;
  Workload fair = under("fair", o4);
  fair.owners = 3;
  for (const Workload& workload :
       {under("aging", o4), fair, under("strict", o4, {.background_trickle = 3})}) {
    const double mix = mix_over_seeds(workload, seeds).first;
    std::printf("  mix under %s %.6f s, under strict %.6f s\n", workload.policy.c_str(), mix,
                strict);
    CHECK(std::abs(mix - strict) <= 0.01 * strict);
  }
}

TEST_CASE("strict: a trickle and a reserve move waits between the classes",
          "[simulations][oracle][strict]") {
  constexpr std::uint64_t seeds = 4;
  const auto plain = over_seeds(o4, seeds);
  const auto trickling = over_seeds(under("strict", o4, {.background_trickle = 3}), seeds);
  CHECK(trickling[0].first > plain[0].first);
  CHECK(trickling[2].first < 0.9 * plain[2].first);
  const auto reserved = over_seeds(under("strict", o4, {.reserve_interactive = 1}), seeds);
  CHECK(reserved[0].first < 0.9 * plain[0].first);
  CHECK(reserved[2].first > plain[2].first);
}

// Exactly M/G/1 with a swap before two calls of three.
TEST_CASE("oracle: first come first served over models that share a backend",
          "[simulations][oracle][swap]") {
  check_mean(over_seeds(swapping("strict", 20'000), 8)[1], 7.333333, 0.01);
}

TEST_CASE("swap: fewer swaps and shorter waits than first come first served",
          "[simulations][oracle][swap]") {
  double wait = 0;
  double fifo_wait = 0;
  std::size_t swaps = 0;
  std::size_t fifo_swaps = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Outcome fifo = simulate(swapping("strict", 20'000), seed);
    const Outcome outcome = simulate(swapping("swap", 20'000), seed);
    fifo_wait += fifo.mean_wait_s[1];
    fifo_swaps += fifo.swaps;
    wait += outcome.mean_wait_s[1];
    swaps += outcome.swaps;
  }
  std::printf("  swaps %zu, first come first served %zu; mean wait %.3f s, %.3f s\n", swaps,
              fifo_swaps, wait / 3, fifo_wait / 3);
  CHECK(std::abs(static_cast<double>(fifo_swaps) - 40'000) < 800);
  CHECK(10 * swaps < 9 * fifo_swaps);
  CHECK(wait < 0.75 * fifo_wait);
}

TEST_CASE("oracle: aging at full length", "[.slow][oracle]") {
  check_aging(1'000'000, 10);
}

TEST_CASE("oracle O8 at full length", "[.slow][oracle]") {
  check_mean(over_seeds(o8(1'000'000), 10)[1], 1.882219, 0.01);
}

TEST_CASE("conservation: the mix of waits on O4 at full length", "[.slow][oracle]") {
  for (const char* policy : {"strict", "aging", "fair"}) {
    Workload workload = with_tasks(under(policy, o4), 1'000'000);
    workload.owners = 3;
    INFO(policy);
    check_mean(mix_over_seeds(workload, 10), o4_mix, 0.01);
  }
}

}  // namespace signalbox::testing
