// Goal: each fault does what the documentation says, at the time it says. Method: one call at 0.5 s
// to a server that takes a second, and one fault.
#include <catch2/catch.hpp>
#include <memory>
#include <ostream>
#include <set>
#include <vector>

#include "simulations/world/run.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

class Ends final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { all.push_back(task); }
  void sampled(std::uint64_t, const sim::LineState&) override {}
  std::vector<sim::EndedTask> all;
};

sim::Scenario one_call() {
  sim::Scenario scenario;
  scenario.name = "one call";
  ProfileSettings line;
  line.max_concurrent = 1;
  line.default_inference_s = 5;
  scenario.profiles["line"] = line;
  sim::BackendSpec server;
  server.name = "server";
  server.capacity = 1;
  server.service.base = {sim::LawKind::constant, std::chrono::nanoseconds{1s}.count()};
  scenario.backends.push_back(server);
  sim::ClientSpec client;
  client.name = "client";
  client.profile = "line";
  client.target = "server";
  client.arrival.kind = sim::ArrivalKind::recorded;
  client.arrival.rows = std::make_shared<const std::vector<sim::TraceRow>>(
      std::vector<sim::TraceRow>{{500ms, {}, {}, {}, {}}});
  scenario.clients.push_back(client);
  return scenario;
}

struct Outcome {
  CallStatus status = CallStatus::ok;
  Duration at{};
  std::uint64_t times = 0;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << to_string(outcome.status) << " at " << sim::to_us(outcome.at) << " us, fault "
             << outcome.times << " times";
}

Outcome run_with(const sim::Fault& fault, const sim::Scenario& usual = one_call()) {
  sim::Scenario scenario = usual;
  scenario.faults.push_back(fault);
  Ends ends;
  const auto figures = sim::run(scenario, {.observer = &ends});
  REQUIRE(figures.has_value());
  REQUIRE(ends.all.size() == 1);
  return {ends.all.front().status, ends.all.front().ended_at,
          figures->faults[static_cast<std::size_t>(fault.kind)]};
}

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
}

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
