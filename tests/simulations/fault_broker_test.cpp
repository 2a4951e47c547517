// Goal: the faults of the broker itself (its death, its disk, its stop, its clock, its
// configuration) do what the documentation says.
#include <catch2/catch.hpp>

#include "tests/simulations/fault_runs.hpp"

namespace signalbox::testing {

using namespace std::chrono_literals;

TEST_CASE("faults: the broker dies and a call lives on", "[simulations][faults]") {
  using enum sim::FaultKind;
  CHECK(run_with({crash, "", 1s, 1s, 0}) == Outcome{CallStatus::ok, 3s, 1});
  // Nobody is there when the call is made.
  CHECK(run_with({crash, "", 0s, 1s, 0}) == Outcome{CallStatus::error, 500ms, 1});
  // Its end is lost, and it is run again; or its end is there, and nobody is told.
  CHECK(run_with({crash_before_commit, "", 1200ms, 1s, 0}) == Outcome{CallStatus::ok, 3500ms, 1});
  CHECK(run_with({crash_after_commit, "", 1200ms, 1s, 0}) == Outcome{CallStatus::ok, 1500ms, 1});
  CHECK(run_with({full_disk, "", 0s, 0s, 1}) == Outcome{CallStatus::error, 500ms, 1});
}

TEST_CASE("faults: an edited configuration is in force after a restart", "[simulations][faults]") {
  using enum sim::FaultKind;
  sim::Scenario scenario = one_call();
  scenario.profiles.at("line").max_concurrent = 2;
  scenario.backends.front().capacity = 2;
  scenario.clients.front().arrival.rows = std::make_shared<const std::vector<sim::TraceRow>>(
      std::vector<sim::TraceRow>{{2s, {}, {}, {}, {}}, {2s, {}, {}, {}, {}}});
  scenario.faults = {{edit_slots, "line", 0s, 0s, 1}};
  Ends before;
  REQUIRE(sim::run(scenario, {.observer = &before}).has_value());
  REQUIRE(before.all.size() == 2);
  CHECK(before.all.back().ended_at == 3s);
  scenario.faults.push_back({crash, "", 1s, 100ms, 0});
  Ends after;
  REQUIRE(sim::run(scenario, {.observer = &after}).has_value());
  REQUIRE(after.all.size() == 2);
  CHECK(after.all.front().ended_at == 3s);
  CHECK(after.all.back().ended_at == 4s);
}

TEST_CASE("faults: a profile that the configuration has lost", "[simulations][faults]") {
  using enum sim::FaultKind;
  sim::Scenario scenario = one_call();
  scenario.backends.front().capacity = 2;
  scenario.clients.front().arrival.rows = rows_at({2s, 2s});
  scenario.faults = {{drop_profile, "line", 0s}};
  CHECK(ends_of(scenario) == std::vector<Duration>{3s, 4s});
  // From the next start on it is as any that nobody has named: as many slots as the server has.
  scenario.faults.push_back({crash, "", 1s, 100ms, 0});
  CHECK(ends_of(scenario) == std::vector<Duration>{3s, 3s});

  // What waited in it is run.
  sim::Scenario paused = one_call();
  paused.profiles.at("line").max_concurrent = 0;
  paused.clients.front().is_async = true;
  paused.faults = scenario.faults;
  CHECK(ends_of(paused) == std::vector<Duration>{2100ms});
}

TEST_CASE("faults: a disk that is slow", "[simulations][faults]") {
  using enum sim::FaultKind;
  const sim::Fault slow{slow_sync, "", 0s, 10s, 0, 200ms};
  // It runs when its row is on the disk, and its caller hears of its end when that is, too.
  CHECK(run_with(slow) == Outcome{CallStatus::ok, 1900ms, 1});
  // What was begun goes on at its pace, what comes afterwards does not.
  CHECK(run_with({slow_sync, "", 0s, 600ms, 0, 200ms}) == Outcome{CallStatus::ok, 1700ms, 1});
  // Two that come in the middle of a commit share the next one; a claim waits for the one under
  // way.
  sim::Scenario scenario = one_call();
  scenario.profiles.at("line").max_concurrent = 3;
  scenario.backends.front().capacity = 3;
  scenario.clients.front().arrival.rows = rows_at({500ms, 550ms, 600ms});
  scenario.faults = {slow};
  CHECK(starts_of(scenario) == std::vector<Duration>{1100ms, 1300ms, 1300ms});
  // What is on its way is lost with the process.
  scenario = one_call();
  scenario.faults = {slow, {crash, "", 600ms, 1s, 0}};
  CHECK(statuses_of(scenario) == std::vector{CallStatus::error});
}

TEST_CASE("faults: the broker drains and comes back", "[simulations][faults]") {
  using enum sim::FaultKind;
  // It is let come to its end; or put back, and run again.
  CHECK(run_with({drain, "", 1s, 1s, 0, 2s}) == Outcome{CallStatus::ok, 1500ms, 1});
  CHECK(run_with({drain, "", 1s, 1s, 0, 100ms}) == Outcome{CallStatus::ok, 3100ms, 1});
  // Who calls meanwhile is sent away.
  CHECK(run_with({drain, "", 0s, 1s, 0, 2s}) == Outcome{CallStatus::error, 500ms, 1});
  // A stop waits for what is on its way to the disk.
  sim::Scenario slow = one_call();
  slow.faults = {{slow_sync, "", 900ms, 10s, 0, 300ms}};
  CHECK(run_with({drain, "", 1s, 1s, 0, 100ms}, slow) == Outcome{CallStatus::ok, 3700ms, 1});
}

TEST_CASE("faults: a stop in good order leaves nothing claimed", "[simulations][faults]") {
  using enum sim::FaultKind;
  // Between two attempts; and one whose turn comes when the stop is on its way to the disk.
  sim::Scenario retrying = one_call();
  retrying.faults = {{refuse, "server", 0s, 900ms}, {drain, "", 550ms, 1s, 0, 0s}};
  sim::Scenario next_in_line = one_call();
  next_in_line.clients.front().arrival.rows = rows_at({500ms, 600ms, 700ms});
  next_in_line.faults = {{slow_sync, "", 1s, 5s, 0, 300ms}, {drain, "", 1400ms, 1s, 0, 50ms}};
  for (const sim::Scenario& scenario : {retrying, next_in_line}) {
    const sim::SeedRun run = sim::run_checked(scenario);
    if (run.violation) FAIL_CHECK(sim::print_violation(*run.violation));
  }
  CHECK(ends_of(retrying) == std::vector<Duration>{2550ms});
}

TEST_CASE("faults: the machine's clock jumps", "[simulations][faults]") {
  using enum sim::FaultKind;
  // Nothing that waits or runs heeds it.
  CHECK(run_with({wall_jump, "", 1s, 10s, 0, 200h}) == Outcome{CallStatus::ok, 1500ms, 1});
  CHECK(run_with({wall_jump, "", 0s, 1s, 0, 200h}) == Outcome{CallStatus::ok, 1500ms, 1});
  // What is collected does: a task that nobody waits for is an hour old at once.
  sim::Scenario scenario = one_call();
  scenario.clients.front().is_async = true;
  scenario.gc = config::GcSettings{};
  scenario.gc->interval_s = 10;
  scenario.faults = {{gone, "server", 0s, 1h}};
  CHECK(run_with({wall_jump, "", 1s, 60s, 0, 2h}, scenario) == Outcome{CallStatus::error, 10s, 1});
}

}  // namespace signalbox::testing
