// Goal: each fault does what the documentation says, at the time it says. Method: one call at 0.5 s
// to a server that takes a second, and one fault.
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <vector>

#include "tests/simulations/fault_runs.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

/// With a budget that ends it in the middle.
sim::Scenario short_budget() {
  sim::Scenario scenario = one_call();
  scenario.clients.front().inference = 500ms;
  return scenario;
}

}  // namespace

TEST_CASE("faults: what a server does to a call", "[simulations][faults]") {
  using enum sim::FaultKind;
  // A failed attempt is repeated after 100 ms, when the fault is over.
  CHECK(run_with({refuse, "server", 0s, 550ms}) == Outcome{CallStatus::ok, 1600ms, 1});
  CHECK(run_with({cut, "server", 0s, 550ms, 50}) == Outcome{CallStatus::ok, 2100ms, 1});
  // The second attempt takes its second, whatever is said of the first meanwhile.
  CHECK(run_with({cut, "server", 0s, 550ms, 50, 500ms}) == Outcome{CallStatus::ok, 2100ms, 1});
  CHECK(run_with({status, "server", 0s, 550ms, 503}) == Outcome{CallStatus::ok, 2600ms, 1});
  CHECK(run_with({status, "server", 0s, 550ms, 404}) == Outcome{CallStatus::error, 1500ms, 1});
  CHECK(run_with({garbage, "server", 0s, 550ms}) == Outcome{CallStatus::error, 1500ms, 1});
  CHECK(run_with({hang, "server", 0s, 550ms}) == Outcome{CallStatus::inference_timeout, 5500ms, 1});
  CHECK(run_with({slow_start, "server", 0s, 550ms, 0, 2s}) == Outcome{CallStatus::ok, 3500ms, 1});
  CHECK(run_with({stall, "server", 0s, 550ms, 50, 2s}) == Outcome{CallStatus::ok, 3500ms, 1});
  CHECK(run_with({double_completion, "server", 0s, 550ms}) == Outcome{CallStatus::ok, 1500ms, 1});
  const Outcome stopped{CallStatus::inference_timeout, 1000ms, 1};
  CHECK(run_with({late_completion, "server", 0s, 550ms, 0, 2s}, short_budget()) == stopped);
  CHECK(run_with({slow_abort, "server", 0s, 550ms, 0, 2s}, short_budget()) == stopped);
}

TEST_CASE("faults: calls are led past a server that hangs", "[simulations][faults]") {
  sim::Scenario scenario = one_call();
  scenario.profiles.at("line").default_inference_s = 20;
  scenario.backends.front().pool = "pool";
  scenario.backends.push_back(scenario.backends.front());
  scenario.backends.back().name = "other";
  scenario.pools["pool"] = ChoiceKind::first_match;
  scenario.faults = {{sim::FaultKind::hang, "server", 0s, 700s}};
  std::vector<sim::TraceRow> rows;
  for (int number = 0; number < 20; ++number) rows.push_back({number * 30s, {}, {}, {}, {}});
  scenario.clients.front().target = "pool";
  scenario.clients.front().arrival.rows =
      std::make_shared<const std::vector<sim::TraceRow>>(std::move(rows));
  const auto meets = [&] {
    return sim::run(scenario, {})->faults[static_cast<std::size_t>(sim::FaultKind::hang)];
  };
  // Five, and those that try it after pauses of 10, 20, 40 s and then of a minute.
  CHECK(meets() == 11);
  scenario.has_breaker = false;
  CHECK(meets() == 20);
  // Less patience teaches nothing.
  scenario.has_breaker = true;
  scenario.profiles.at("line").default_inference_s = 9;
  CHECK(meets() == 20);
}

TEST_CASE("faults: what happens to a server and a profile", "[simulations][faults]") {
  using enum sim::FaultKind;
  CHECK(run_with({gone, "server", 0s, 2s}) == Outcome{CallStatus::ok, 3s, 1});
  CHECK(run_with({gone, "server", 1s, 2s}) == Outcome{CallStatus::ok, 1500ms, 1});
  CHECK(run_with({death, "server", 1s, 1s}) == Outcome{CallStatus::ok, 3s, 1});
  CHECK(run_with({slots, "line", 0s, 2s, 0}) == Outcome{CallStatus::ok, 3s, 1});
  CHECK(run_with({policy, "line", 0s, 2s, 0, {}, "sjf"}) == Outcome{CallStatus::ok, 1500ms, 1});
  // Down for 700 ms, up for as long: it is met when it is down, and what it runs goes on.
  CHECK(run_with({flapping, "server", 0s, 3s, 0, 700ms}) == Outcome{CallStatus::ok, 1700ms, 1});
  CHECK(run_with({flapping, "server", 0s, 3s, 0, 200ms}) == Outcome{CallStatus::ok, 1600ms, 1});
  CHECK(run_with({flapping, "server", 0s, 3s, 0, 400ms}) == Outcome{CallStatus::ok, 1500ms, 1});
  CHECK(run_with({flapping, "server", 0s, 400ms, 0, 2s}) == Outcome{CallStatus::ok, 1500ms, 1});
}

TEST_CASE("faults: under all of them every promise is kept", "[simulations][faults]") {
  using enum sim::FaultKind;
  // One that comes while the clock is ahead, one that runs when it is set back.
  sim::Scenario scenario = one_call();
  scenario.clients.front().arrival.rows = rows_at({500ms, 1900ms, 2100ms, 4s, 6s});
  for (const sim::Fault& fault : std::vector<sim::Fault>{
           {wall_jump, "", 1s, 1s, 0, 200h},
           {drain, "", 1s, 1s, 0, 100ms},
           {slow_sync, "", 0s, 3s, 0, 700ms},
           {drop_profile, "line", 0s},
           {flapping, "server", 0s, 5s, 0, 300ms},
           {wrong_usage, "server", 0s, 5s, 1'000'000'000'000},
       }) {
    INFO(sim::to_string(fault.kind));
    sim::Scenario faulty = scenario;
    faulty.faults = {fault, {crash, "", 2200ms, 500ms, 0}};
    const sim::SeedRun run = sim::run_checked(faulty, true);
    if (run.violation) FAIL(sim::print_violation(*run.violation));
    CHECK(run.figures.tasks == 5);
  }
}

TEST_CASE("faults: what clients do about their calls", "[simulations][faults]") {
  const auto with = [](const sim::CallActs& acts, bool is_async = false) {
    sim::Scenario scenario = one_call();
    scenario.clients.front().is_async = is_async;
    scenario.clients.front().arrival.rows = std::make_shared<const std::vector<sim::TraceRow>>(
        std::vector<sim::TraceRow>{{500ms, {}, {}, {}, acts}});
    Ends ends;
    REQUIRE(sim::run(scenario, {.observer = &ends}).has_value());
    return ends.all;
  };
  CHECK(with({.cancel_after = 200ms}).front().status == CallStatus::cancelled);
  CHECK(with({.cancel_after = 200ms}).front().ended_at == 700ms);
  CHECK(with({.hang_up_after = 200ms}).front().status == CallStatus::cancelled);
  CHECK(with({}, true).front().ended_at == 1500ms);
  const auto twice = with({.duplicate_after = 200ms});
  REQUIRE(twice.size() == 2);
  // One run of a second for both.
  CHECK(twice.front().ended_at == 1500ms);
  CHECK(twice.back().ended_at == 1500ms);
  // With a key the caller may come back for its answer.
  const auto left = with({.hang_up_after = 300ms, .duplicate_after = 2s});
  REQUIRE(left.size() == 2);
  CHECK(left.front().status == CallStatus::ok);
  CHECK(left.back().ended_at == 2500ms);
}

TEST_CASE("faults: the schedule changes who runs first, not what holds", "[simulations][faults]") {
  sim::Scenario scenario = one_call();
  scenario.clients.push_back(scenario.clients.front());
  scenario.clients.back().name = "other";
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    scenario.schedule_seed = seed;
    const auto first = sim::run(scenario, {});
    const auto again = sim::run(scenario, {});
    REQUIRE(first.has_value());
    CHECK(first->trace_hash == again->trace_hash);
    CHECK(first->length == 2500ms);
    hashes.insert(first->trace_hash);
  }
  CHECK(hashes.size() > 1);
}

}  // namespace signalbox::testing
