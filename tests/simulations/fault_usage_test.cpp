// Goal: servers that count tokens wrongly mislead policies, and break nothing.
#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "tests/simulations/fault_runs.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

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

}  // namespace

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

}  // namespace signalbox::testing
