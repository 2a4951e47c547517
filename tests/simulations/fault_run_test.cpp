// Goal: each fault does what the documentation says, at the time it says. Method: one call at 0.5 s
// to a server that takes a second, and one fault.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <ostream>
#include <set>
#include <vector>

#include "simulations/campaign/campaign.hpp"
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

std::shared_ptr<const std::vector<sim::TraceRow>> rows_at(const std::vector<Duration>& times) {
  std::vector<sim::TraceRow> rows;
  for (const Duration at : times) rows.push_back({at, {}, {}, {}, {}});
  return std::make_shared<const std::vector<sim::TraceRow>>(std::move(rows));
}

std::vector<sim::EndedTask> run_all(const sim::Scenario& scenario) {
  Ends ends;
  REQUIRE(sim::run(scenario, {.observer = &ends}).has_value());
  std::sort(ends.all.begin(), ends.all.end(),
            [](const auto& left, const auto& right) { return left.number < right.number; });
  return ends.all;
}

std::vector<Duration> ends_of(const sim::Scenario& scenario) {
  std::vector<Duration> times;
  for (const auto& task : run_all(scenario)) times.push_back(task.ended_at);
  return times;
}

/// As the store shows them.
std::vector<Duration> starts_of(const sim::Scenario& scenario) {
  std::vector<Duration> times;
  for (const auto& task : run_all(scenario)) times.push_back(task.started_at);
  return times;
}

std::vector<CallStatus> statuses_of(const sim::Scenario& scenario) {
  std::vector<CallStatus> statuses;
  for (const auto& task : run_all(scenario)) statuses.push_back(task.status);
  return statuses;
}

/// Short calls of one owner and long ones of another, more than the slots can take for a while.
sim::Scenario two_kinds() {
  sim::Scenario scenario = one_call();
  scenario.profiles.at("line").max_concurrent = 2;
  scenario.profiles.at("line").max_queued = 1000;
  scenario.profiles.at("line").default_queue_wait_s = 10'000;
  scenario.profiles.at("line").default_inference_s = 1000;
  scenario.backends.front().capacity = 4;
  scenario.backends.front().service.base = {sim::LawKind::constant, 0};
  scenario.backends.front().service.per_token_out = 10ms;
  for (const auto& [name, tokens] : {std::pair{"short", 10}, std::pair{"long", 400}}) {
    sim::ClientSpec client = scenario.clients.front();
    client.name = client.owner = name;
    client.arrival = {sim::ArrivalKind::poisson, 1s};
    client.tokens_out = {sim::LawKind::constant, tokens};
    client.tasks = 200;
    scenario.clients.push_back(client);
  }
  scenario.clients.erase(scenario.clients.begin());
  return scenario;
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
  // Down for 700 ms, up for as long: it is met when it is down, and what it runs goes on.
  CHECK(run_with({flapping, "server", 0s, 3s, 0, 700ms}) == Outcome{CallStatus::ok, 1700ms, 1});
  CHECK(run_with({flapping, "server", 0s, 3s, 0, 200ms}) == Outcome{CallStatus::ok, 1600ms, 1});
  CHECK(run_with({flapping, "server", 0s, 3s, 0, 400ms}) == Outcome{CallStatus::ok, 1500ms, 1});
  CHECK(run_with({flapping, "server", 0s, 400ms, 0, 2s}) == Outcome{CallStatus::ok, 1500ms, 1});
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

TEST_CASE("faults: counts of tokens that nobody can believe", "[simulations][faults]") {
  using enum sim::FaultKind;
  CHECK(run_with({wrong_usage, "server", 0s, 1s, 7}) == Outcome{CallStatus::ok, 1500ms, 1});
  sim::Scenario scenario = two_kinds();
  for (const std::string policy : {"strict", "aging", "fair", "sjf", "swap"}) {
    for (const bool is_tuned : {false, true}) {
      for (const std::int64_t tokens :
           {std::int64_t{0}, std::int64_t{UINT32_MAX}, std::int64_t{1'000'000'000'000}}) {
        INFO(policy << " with " << tokens);
        sim::set_policy(scenario, policy);
        if (is_tuned) scenario.profiles.at("line").tune_slots = SlotBounds{1, 4};
        scenario.faults = {{wrong_usage, "server", 0s, 1h, tokens}};
        const sim::SeedRun run = sim::run_checked(scenario, true);
        if (run.violation) FAIL(sim::print_violation(*run.violation));
        CHECK(run.figures.ends[static_cast<std::size_t>(CallStatus::ok)] == 400);
      }
    }
  }
}

TEST_CASE("faults: shortest jobs first learns what servers say", "[simulations][faults]") {
  using enum sim::FaultKind;
  sim::Scenario scenario = two_kinds();
  sim::set_policy(scenario, "sjf");
  const sim::Fault nothing{policy, "line", 10h, 0s, 0, {}, "sjf"};
  const auto mean_wait = [&](const sim::Fault& fault, bool reports_usage) {
    sim::Scenario told = scenario;
    told.backends.front().reports_usage = reports_usage;
    told.faults = {fault};
    const auto figures = sim::run(told, {});
    REQUIRE(figures.has_value());
    return std::pair{figures->trace_hash,
                     figures->classes[to_index(Priority::workflow)].mean_wait()};
  };
  const auto [truth_hash, truth] = mean_wait(nothing, true);
  const auto [silence_hash, silence] = mean_wait(nothing, false);
  CHECK(truth < silence);
  // A count that is no count is none, and one that is the same for all is not better.
  CHECK(mean_wait({wrong_usage, "server", 0s, 10h, 1'000'000'000'000}, true).first == silence_hash);
  CHECK(mean_wait({wrong_usage, "server", 0s, 10h, 0}, true).second > truth);
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
