// Goal: no sequence of events makes a profile break mission A1-A4 or A8. Method: small worlds (2-3
// callers, 2 targets), every sequence of 6 events in each, against a list-based oracle and rules of
// their own (scheduler_harness.cpp); then long random walks in a bigger world. A failure prints the
// sequence or the seed.
#include <catch2/catch.hpp>
#include <random>

#include "tests/core/fixtures.hpp"
#include "tests/core/scheduler_harness.hpp"

namespace signalbox::test {
namespace {

using Kind = Op::Kind;
using enum Priority;

constexpr std::size_t depth = 6;

Scenario make_scenario(std::string name, std::uint32_t slots, std::uint32_t max_queued) {
  Scenario scenario;
  scenario.name = std::move(name);
  scenario.settings.max_concurrent = slots;
  scenario.settings.max_queued = max_queued;
  return scenario;
}

void add_waiter(Scenario& scenario, Priority priority, std::string target,
                std::int64_t queue_wait_s = 0, std::int64_t inference_s = 0) {
  WaiterRequest request;
  request.id = task_id(scenario.waiters.size() + 1);
  request.priority = priority;
  request.target = std::move(target);
  request.queue_wait = std::chrono::seconds{queue_wait_s};
  request.inference = std::chrono::seconds{inference_s};
  scenario.waiters.push_back(std::move(request));
}

void for_each_waiter(Scenario& scenario, std::initializer_list<Kind> kinds) {
  for (const Kind kind : kinds) {
    for (std::uint32_t index = 0; index < scenario.waiters.size(); ++index) {
      scenario.alphabet.push_back({kind, index});
    }
  }
}

void for_each_target(Scenario& scenario, std::initializer_list<Kind> kinds) {
  for (const Kind kind : kinds) {
    for (std::uint32_t index = 0; index < scenario.targets.size(); ++index) {
      if (!scenario.targets[index].empty()) scenario.alphabet.push_back({kind, index});
    }
  }
}

void add_slot_changes(Scenario& scenario) {
  for (const std::uint32_t slots : {0U, 1U, 2U}) scenario.alphabet.push_back({Kind::slots, slots});
}

// A world too small to reach anything would prove nothing: the floor says how much must have been
// seen.
void explore_all(const Scenario& scenario, std::size_t sequences_min) {
  const Explored explored = explore(scenario, depth);
  INFO(scenario.name << ": " << explored.sequences << " sequences, " << explored.applied_ops
                     << " operations, " << explored.grants << " grants");
  CHECK(explored.sequences >= sequences_min);
  CHECK(explored.grants > 0);
}

}  // namespace

TEST_CASE("profile_scheduler: three classes on two targets never overtake, lose or double a lease",
          "[core][profile_scheduler][exhaustive]") {
  Scenario scenario = make_scenario("classes", 1, 32);
  scenario.targets = {"a", "b"};
  add_waiter(scenario, background, "a");
  add_waiter(scenario, interactive, "b");
  add_waiter(scenario, workflow, "a");
  for_each_waiter(scenario, {Kind::submit, Kind::remove});
  for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked});
  add_slot_changes(scenario);
  explore_all(scenario, 50'000);
}

TEST_CASE(
    "profile_scheduler: one class is served in order of reservation, whatever is enqueued first",
    "[core][profile_scheduler][exhaustive]") {
  Scenario scenario = make_scenario("fifo", 2, 32);
  scenario.targets = {"a", "b"};
  add_waiter(scenario, workflow, "a");
  add_waiter(scenario, workflow, "a");
  add_waiter(scenario, workflow, "b");
  for_each_waiter(scenario, {Kind::reserve, Kind::enqueue, Kind::remove});
  for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked});
  explore_all(scenario, 5'000);
}

TEST_CASE(
    "profile_scheduler: of two free slots none goes past a better waiter whose lease is not asked "
    "for yet",
    "[core][profile_scheduler][exhaustive]") {
  for (const std::string& other : {std::string{"b"}, std::string{}}) {
    Scenario scenario = make_scenario("two slots", 2, 32);
    scenario.targets = {"a", other};
    add_waiter(scenario, background, "a");
    add_waiter(scenario, interactive, other);
    add_waiter(scenario, interactive, other);
    for_each_waiter(scenario, {Kind::submit, Kind::remove});
    for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked});
    scenario.alphabet.push_back({Kind::slots, 1});
    scenario.alphabet.push_back({Kind::slots, 2});
    explore_all(scenario, 5'000);
  }
}

TEST_CASE("profile_scheduler: both budgets end on time and only on time",
          "[core][profile_scheduler][exhaustive]") {
  Scenario scenario = make_scenario("budgets", 1, 32);
  scenario.targets = {"a", ""};
  add_waiter(scenario, interactive, "a", 10, 5);
  add_waiter(scenario, background, "a", 5, 0);
  add_waiter(scenario, workflow, "", 0, 10);
  for_each_waiter(scenario, {Kind::submit, Kind::remove});
  for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked});
  scenario.alphabet.push_back({Kind::advance, 5});
  scenario.alphabet.push_back({Kind::expire, 0});
  explore_all(scenario, 30'000);
}

TEST_CASE("profile_scheduler: the bound of a class is exact for every max_queued and slot count",
          "[core][profile_scheduler][exhaustive]") {
  for (const std::uint32_t max_queued : {0U, 1U}) {
    for (const std::uint32_t slots : {0U, 1U}) {
      Scenario scenario = make_scenario("bound " + std::to_string(max_queued), slots, max_queued);
      scenario.targets = {"a"};
      add_waiter(scenario, workflow, "a");
      add_waiter(scenario, workflow, "a");
      add_waiter(scenario, interactive, "a");
      for_each_waiter(scenario, {Kind::submit, Kind::restore, Kind::remove});
      for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked});
      scenario.alphabet.push_back({Kind::slots, 0});
      scenario.alphabet.push_back({Kind::slots, 2});
      explore_all(scenario, 10'000);
    }
  }
}

TEST_CASE(
    "profile_scheduler: slots without a backend are granted at once, in order, up to the bound",
    "[core][profile_scheduler][exhaustive]") {
  Scenario scenario = make_scenario("own slots", 1, 1);
  scenario.targets = {""};
  add_waiter(scenario, workflow, "");
  add_waiter(scenario, workflow, "");
  add_waiter(scenario, interactive, "");
  for_each_waiter(scenario, {Kind::reserve, Kind::enqueue, Kind::remove});
  add_slot_changes(scenario);
  explore_all(scenario, 10'000);
}

TEST_CASE("profile_scheduler: who gives its slot back waits at its old place",
          "[core][profile_scheduler][exhaustive]") {
  Scenario scenario = make_scenario("requeue", 1, 1);
  scenario.targets = {"a", "b"};
  add_waiter(scenario, workflow, "a", 10, 5);
  add_waiter(scenario, workflow, "a");
  add_waiter(scenario, interactive, "b");
  for_each_waiter(scenario, {Kind::submit, Kind::requeue, Kind::remove});
  for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked});
  scenario.alphabet.push_back({Kind::advance, 5});
  scenario.alphabet.push_back({Kind::expire, 0});
  explore_all(scenario, 30'000);
}

TEST_CASE(
    "profile_scheduler: a refused target fails its callers, keeps its backlog, is asked again",
    "[core][profile_scheduler][exhaustive]") {
  Scenario scenario = make_scenario("refusal", 1, 2);
  scenario.targets = {"a", "b"};
  add_waiter(scenario, workflow, "a");
  add_waiter(scenario, background, "a");
  add_waiter(scenario, interactive, "b");
  for_each_waiter(scenario, {Kind::submit, Kind::restore, Kind::requeue});
  for_each_target(scenario, {Kind::lease_granted, Kind::lease_parked, Kind::lease_refused});
  scenario.alphabet.push_back({Kind::advance, 10});
  scenario.alphabet.push_back({Kind::expire, 0});
  explore_all(scenario, 30'000);
}

TEST_CASE("profile_scheduler: long random walks stay with the oracle",
          "[core][profile_scheduler][random]") {
  std::size_t steps = 0;
  std::size_t grants = 0;
  std::size_t refusals = 0;
  std::size_t expiries = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::mt19937_64 random{seed};
    Scenario scenario = make_scenario("walk", 2, static_cast<std::uint32_t>(seed % 4));
    scenario.targets = {"a", "b", ""};
    for (std::uint32_t index = 0; index < 24; ++index) {
      add_waiter(scenario, all_priorities[random() % 3], scenario.targets[random() % 3],
                 static_cast<std::int64_t>(random() % 4 * 7),
                 static_cast<std::int64_t>(random() % 3 * 9));
    }
    for_each_waiter(scenario, {Kind::reserve, Kind::enqueue, Kind::submit, Kind::restore,
                               Kind::remove, Kind::requeue});
    for (int weight = 0; weight < 12; ++weight) {
      for_each_target(scenario, {Kind::lease_granted, Kind::lease_granted, Kind::lease_parked});
      if (weight == 0) for_each_target(scenario, {Kind::lease_refused});
      scenario.alphabet.push_back({Kind::expire, 0});
    }
    for (const std::uint32_t pause : {1U, 2U, 5U})
      scenario.alphabet.push_back({Kind::advance, pause});
    for (const std::uint32_t slots : {0U, 1U, 2U, 3U, 5U}) {
      scenario.alphabet.push_back({Kind::slots, slots});
    }
    SchedulerModel model{scenario};
    DrivenScheduler driven{scenario};
    for (std::size_t step = 0; step < 1300; ++step) {
      const Op op = scenario.alphabet[random() % scenario.alphabet.size()];
      if (!model.is_possible(op)) continue;
      const SchedulerModel before = model;
      const StepOutcome expected = model.apply(op);
      const StepOutcome found = driven.apply(op);
      std::string fault = find_fault(before, model, found, driven.scheduler());
      if (!(found == expected)) fault += " differs from the oracle";
      if (!fault.empty()) {
        FAIL("seed " << seed << " step " << step << " " << to_string(op) << ": " << fault
                     << "\n  expected" << to_string(expected) << "\n  found   "
                     << to_string(found));
      }
      ++steps;
      grants += found.grants.size();
      refusals += found.is_refused ? 1 : 0;
      expiries += found.expired.size();
    }
  }
  INFO(steps << " steps, " << grants << " grants, " << refusals << " refusals, " << expiries);
  CHECK(steps > 30'000);
  CHECK(grants > 1'000);
  CHECK(refusals > 1'000);
  CHECK(expiries > 1'000);
}

}  // namespace signalbox::test
