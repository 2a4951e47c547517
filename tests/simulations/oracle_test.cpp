// Goal: the admission that the daemon runs is the queue that theory knows. Method: Broker,
// ProfileActor and TaskActors on the virtual clock, Poisson arrivals, exponential service; mean
// waits against the closed forms for M/M/1 (O1) and M/M/4 with three non-preemptive classes (O4;
// Cobham 1954). Judged as the rule says: the mean over seeds within 1 % (2 % for the lowest class)
// or 3 standard errors, after the first 5 % of each run is dropped.
#include <catch2/catch.hpp>

#include "tests/simulations/queue_run.hpp"

namespace signalbox::testing {
namespace {

void check_o1(const Workload& workload, std::uint64_t seeds) {
  check_mean(over_seeds(workload, seeds)[1], 4.0, 0.01);
}

void check_o4(const Workload& workload, std::uint64_t seeds) {
  const auto waits = over_seeds(workload, seeds);
  check_mean(waits[0], 0.372770, 0.01);
  check_mean(waits[1], 0.745541, 0.01);
  check_mean(waits[2], 2.982162, 0.02);
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
