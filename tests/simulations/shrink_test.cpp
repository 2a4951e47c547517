// Goal: whatever fails ends as the smallest scenario that fails so, within the bounds. Method:
// failures whose smallest form is known because they are made up: the whole file is compared.
#include <catch2/catch.hpp>

#include "simulations/campaign/campaign.hpp"
#include "simulations/campaign/draw_scenario.hpp"
#include "simulations/campaign/shrink.hpp"
#include "simulations/scenario/freeze.hpp"
#include "simulations/scenario/scenario_writer.hpp"
#include "simulations/scenario/workload.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;
using sim::Scenario;
using sim::ScenarioSize;
using Failure = std::optional<std::string>;

/// Some of everything: 400 calls of four clients under laws, two profiles, three backends, faults.
Scenario large_scenario() {
  const std::string text = R"(version: 1
seed: 77
tasks: 400
commit: relaxed
schedule_seed: 5
gc: {interval_s: 10}
profiles:
  narrow: {max_concurrent: 3, max_queued: 9, policy: aging, aging: {interactive: 8}}
  wide: {max_concurrent: 12, policy: fair, default_queue_wait_s: 7}
backends:
  - {name: a, pool: both, capacity: 2, service: {law: exp, mean_s: 0.7}}
  - {name: b, pool: both, service: {law: uniform, min_s: 0.1, max_s: 2}}
  - {name: c, model: m, service: {law: linear, overhead_s: 0.1, per_token_out_s: 0.02}}
clients:
  - {name: chat, class: interactive, profile: narrow, model: both, streaming: true, queue_wait_s: 5,
     hang_up_after: {law: exp, mean_s: 3, percent: 20}, arrival: {law: poisson, rate_per_s: 2}}
  - {name: more, class: interactive, profile: wide, model: m, tokens_out: {law: exp, mean: 40},
     cancel_after: {law: const, value_s: 1.25}, arrival: {law: poisson, rate_per_s: 0.7}}
  - {name: mail, class: workflow, profile: wide, model: both, owner: ann, start_s: 3,
     declares_size: true, tokens_in: 9, arrival: {law: constant, every_s: 0.5}}
  - {name: batch, class: background, profile: narrow, model: m, async: true, tasks: 90,
     duplicate_after: {law: uniform, min_s: 0, max_s: 1}, arrival: {law: poisson, rate_per_s: 3}}
faults:
  - {kind: hang, backend: a, at_s: 20.5, lasts_s: 9.25}
  - {kind: status, backend: c, at_s: 31, lasts_s: 4, status: 503, retry_after_s: 0.5}
  - {kind: crash, at_s: 40, lasts_s: 1, messages: 17}
  - {kind: slots, profile: wide, at_s: 44, lasts_s: 3, slots: 1}
)";
  return read_whole_scenario(text);
}

struct Call {
  sim::Arrival arrival;
  sim::ClientSpec client;
};

std::vector<Call> calls_of(const Scenario& scenario) {
  std::vector<Call> calls;
  auto workload = sim::Workload::open(scenario, scenario.seed, "");
  REQUIRE(workload.has_value());
  for (auto call = workload->next(); *call; call = workload->next()) {
    calls.push_back({**call, scenario.clients[(*call)->client]});
  }
  return calls;
}

sim::Shrunk shrink_fully(const Scenario& scenario, const sim::FailureProbe& probe) {
  auto shrunk = sim::shrink(scenario, probe, {});
  REQUIRE(shrunk);
  INFO(sim::write_scenario(shrunk->scenario));
  CHECK(shrunk->is_minimal);
  CHECK(probe(shrunk->scenario) == shrunk->failure);
  // So that it can be handed on as a file.
  Scenario again = read_whole_scenario(sim::write_scenario(shrunk->scenario));
  again.name = shrunk->scenario.name;
  CHECK(again == shrunk->scenario);
  return std::move(*shrunk);
}

/// Two interactive calls while a backend hangs.
Failure overlap_a_hang(const Scenario& scenario) {
  for (const sim::Fault& fault : scenario.faults) {
    if (fault.kind != sim::FaultKind::hang) continue;
    int met = 0;
    for (const Call& call : calls_of(scenario)) {
      const bool is_in_it =
          call.arrival.at >= fault.at && call.arrival.at <= fault.at + fault.lasts;
      if (is_in_it && call.client.priority == Priority::interactive) ++met;
    }
    if (met >= 2) return "I5";
  }
  return std::nullopt;
}

/// Ten calls, of half a second each.
Scenario short_calls() {
  std::string text = R"(version: 1
profiles: {line: {max_concurrent: 1}}
backends:
  - {name: server, service: {law: const, value_s: 9}}
clients:
  - name: chat
    class: workflow
    profile: line
    model: server
    arrival:
      law: calls
      calls:
)";
  for (int second = 0; second < 10; ++second) {
    text += "        - {at_s: " + std::to_string(second) + ", service_s: 0.5}\n";
  }
  return read_whole_scenario(text);
}

/// There is work for two and a half seconds.
Failure busy_for_long(const Scenario& scenario) {
  Duration work{};
  for (const Call& call : calls_of(scenario)) work += call.arrival.size.service.value_or(0s);
  return work >= 2500ms ? Failure{"I9"} : std::nullopt;
}

}  // namespace

TEST_CASE("shrink: what many short calls do, one long call does", "[simulations][shrink]") {
  const auto shrunk = shrink_fully(short_calls(), busy_for_long);
  REQUIRE(calls_of(shrunk.scenario).size() == 1);
  CHECK(calls_of(shrunk.scenario).front().arrival.size.service == 2500ms);
}

TEST_CASE("shrink: two calls that overlap a fault are all that is left", "[simulations][shrink]") {
  const auto shrunk = shrink_fully(large_scenario(), overlap_a_hang);
  CHECK(shrunk.failure == "I5");
  CHECK(shrunk.tries < 1'000);
  CHECK(sim::write_scenario(shrunk.scenario) == R"(version: 1

profiles:
  narrow: {max_concurrent: 1}

backends:
  - name: a
    service: {law: const, value_s: 0}

clients:
  - name: chat
    class: interactive
    profile: narrow
    model: a
    arrival:
      law: calls
      calls:
        - {at_s: 0, service_s: 0}
        - {at_s: 0, service_s: 0}

faults:
  - {kind: hang, backend: a, at_s: 0}
)");
}

TEST_CASE("shrink: times are as round and as small as they can be", "[simulations][shrink]") {
  // A long call, and another one more than 1.23 s after it.
  const auto probe = [](const Scenario& scenario) -> Failure {
    std::optional<Duration> first;
    for (const Call& call : calls_of(scenario)) {
      const Duration service = call.arrival.size.service.value_or(0ns);
      if (first && call.arrival.at - *first > 1'230ms) return "I9";
      if (service > 250ms && !first) first = call.arrival.at;
    }
    return std::nullopt;
  };
  const auto shrunk = shrink_fully(sim::freeze(large_scenario(), {}).value(), probe);
  const auto calls = calls_of(shrunk.scenario);
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].arrival.at == 0s);
  // In the coarsest unit that will do.
  CHECK(calls[0].arrival.size.service.value() % 100ms == 0s);
  CHECK(calls[0].arrival.size.service.value() <= 1s);
  CHECK(calls[1].arrival.at % 100ms == 0s);
  CHECK(calls[1].arrival.at > 1'230ms);
  CHECK(calls[1].arrival.at <= 2s);
  CHECK(calls[1].arrival.size.service == 0s);
}

TEST_CASE("shrink: another failure is none", "[simulations][shrink]") {
  // With fewer than three calls something else fails.
  const auto probe = [](const Scenario& scenario) -> Failure {
    const std::size_t calls = calls_of(scenario).size();
    if (calls >= 3) return "I3";
    return calls > 0 ? Failure{"I9"} : std::nullopt;
  };
  const auto shrunk = shrink_fully(large_scenario(), probe);
  CHECK(shrunk.failure == "I3");
  CHECK(calls_of(shrunk.scenario).size() == 3);
}

TEST_CASE("shrink: what fails only in pairs goes in pairs", "[simulations][shrink]") {
  const auto probe = [](const Scenario& scenario) -> Failure {
    const std::size_t calls = calls_of(scenario).size();
    return calls >= 6 && calls % 2 == 0 ? Failure{"I1"} : std::nullopt;
  };
  CHECK(calls_of(shrink_fully(large_scenario(), probe).scenario).size() == 6);
}

TEST_CASE("shrink: clients, backends and profiles become one where they can",
          "[simulations][shrink]") {
  // A call of each class, in whatever profile, on whatever backend.
  const auto probe = [](const Scenario& scenario) -> Failure {
    std::array<int, priority_count> seen{};
    for (const Call& call : calls_of(scenario)) ++seen[to_index(call.client.priority)];
    const bool has_all = std::all_of(seen.begin(), seen.end(), [](int count) { return count > 0; });
    return has_all ? Failure{"I7"} : std::nullopt;
  };
  const auto shrunk = shrink_fully(large_scenario(), probe);
  CHECK(sim::measure(large_scenario(), "") == ScenarioSize{400, 4, 3, 2, 4});
  CHECK(sim::measure(shrunk.scenario, "") == ScenarioSize{3, 3, 1, 1, 0});
}

TEST_CASE("shrink: a failure that needs a law keeps it", "[simulations][shrink]") {
  const auto probe = [](const Scenario& scenario) -> Failure {
    const bool has_law = std::any_of(
        scenario.clients.begin(), scenario.clients.end(),
        [](const auto& client) { return client.arrival.kind == sim::ArrivalKind::poisson; });
    return has_law && scenario.tasks.value_or(0) >= 10 ? Failure{"I15"} : std::nullopt;
  };
  const auto shrunk = shrink_fully(large_scenario(), probe);
  CHECK(shrunk.scenario.tasks == 10);
  REQUIRE(shrunk.scenario.clients.size() == 1);
  CHECK(shrunk.scenario.clients[0].arrival.kind == sim::ArrivalKind::poisson);
}

TEST_CASE("shrink: users who wait for answers become few, and laws plain",
          "[simulations][shrink]") {
  const std::string text = R"(version: 1
tasks: 50
profiles: {line: {max_concurrent: 2}}
backends: [{name: a, service: {law: const, value_s: 1}}]
clients:
  - {name: crowd, class: workflow, profile: line, model: a,
     arrival: {law: closed, users: 40, think: {law: exp, mean_s: 7.25}}}
  - {name: bursts, class: workflow, profile: line, model: a,
     arrival: {law: on_off, rate_per_s: 4, on_s: 2, off_s: 8}}
)";
  // Three users, and somebody who calls by a law beside them.
  const auto probe = [](const Scenario& scenario) -> Failure {
    bool has_crowd = false;
    bool has_law = false;
    for (const auto& client : scenario.clients) {
      has_crowd = has_crowd || client.arrival.closed.users >= 3;
      has_law = has_law || client.arrival.gap > Duration::zero();
    }
    return has_crowd && has_law ? Failure{"I5"} : std::nullopt;
  };
  const auto shrunk = shrink_fully(read_whole_scenario(text), probe);
  REQUIRE(shrunk.scenario.clients.size() == 2);
  const auto& crowd = shrunk.scenario.clients[0].arrival;
  CHECK(crowd.closed.users == 3);
  CHECK(crowd.closed.think.kind == sim::LawKind::constant);
  CHECK(crowd.closed.think.low >= 1'000'000);
  CHECK(shrunk.scenario.clients[1].arrival.kind == sim::ArrivalKind::constant);
}

TEST_CASE("shrink: options that matter stay, others go", "[simulations][shrink]") {
  const auto probe = [](const Scenario& scenario) -> Failure {
    const bool is_so = scenario.commit == CommitMode::relaxed && scenario.schedule_seed &&
                       std::any_of(scenario.profiles.begin(), scenario.profiles.end(),
                                   [](const auto& entry) { return entry.second.policy == "fair"; });
    return is_so ? Failure{"I10"} : std::nullopt;
  };
  const auto shrunk = shrink_fully(large_scenario(), probe);
  CHECK(sim::write_scenario(shrunk.scenario) == R"(version: 1
commit: relaxed
schedule_seed: 5

profiles:
  wide: {max_concurrent: 1, policy: fair}

backends: []

clients: []
)");
}

TEST_CASE("shrink: it ends at its limits with what it has", "[simulations][shrink]") {
  std::uint64_t runs = 0;
  const auto counted = [&](const Scenario& scenario) {
    ++runs;
    return overlap_a_hang(scenario);
  };
  const Scenario large = large_scenario();
  const auto some = sim::shrink(large, counted, {.tries_max = 30});
  REQUIRE(some);
  CHECK(runs == some->tries);
  CHECK(runs <= 31);
  CHECK_FALSE(some->is_minimal);
  CHECK(overlap_a_hang(some->scenario) == "I5");
  CHECK(sim::measure(some->scenario, "").calls < sim::measure(large, "").calls);

  runs = 0;
  const auto none = sim::shrink(large, counted, {.is_over = [] { return true; }});
  REQUIRE(none);
  CHECK(none->scenario == large);
  CHECK(runs == 1);
}

TEST_CASE("shrink: what does not fail is not shrunk", "[simulations][shrink]") {
  CHECK_FALSE(sim::shrink(large_scenario(), [](const Scenario&) { return Failure{}; }, {}));
}

TEST_CASE("shrink: what the house really does is brought about by a few calls",
          "[simulations][shrink]") {
  // Rare paths instead of failures: a sound house has none of those.
  struct Aim {
    sim::Probe probe;
    std::uint64_t calls_max;
    std::uint64_t faults_max;
  };
  const auto aim = GENERATE(Aim{sim::Probe::run_timeout, 1, 1}, Aim{sim::Probe::queue_full, 3, 1},
                            Aim{sim::Probe::retry_after_refusal, 1, 1},
                            Aim{sim::Probe::crash_with_running_tasks, 4, 1},
                            Aim{sim::Probe::duplicate_met_ended, 1, 0});
  CAPTURE(sim::describe(aim.probe));
  const auto probe = [&](const Scenario& scenario) -> Failure {
    const sim::SeedRun run = sim::run_checked(scenario);
    const bool is_hit = run.figures.probes[static_cast<std::size_t>(aim.probe)] > 0;
    return is_hit && !run.violation ? Failure{"hit"} : std::nullopt;
  };
  Scenario scenario;
  for (std::uint64_t seed = 1; seed < 100 && !probe(scenario); ++seed) {
    scenario = sim::draw_scenario(seed, 60);
  }
  const auto shrunk = shrink_fully(scenario, probe);
  INFO(sim::write_scenario(shrunk.scenario));
  const ScenarioSize size = sim::measure(shrunk.scenario, "");
  CHECK(size.calls <= aim.calls_max);
  CHECK(size.faults <= aim.faults_max);
}

TEST_CASE("freeze: the same calls make the same run", "[simulations][shrink]") {
  for (const char* name : {"three_classes", "night_batch"}) {
    Scenario scenario = load_example(name);
    scenario.tasks = 2'000;
    const auto frozen = sim::freeze(scenario, {});
    REQUIRE(frozen.has_value());
    CHECK(std::all_of(frozen->clients.begin(), frozen->clients.end(), sim::is_frozen));
    const auto figures = run_scenario(scenario, {.seed = scenario.seed});
    // Whatever the seed.
    CHECK(run_scenario(*frozen, {.seed = 99}).trace_hash == figures.trace_hash);
  }
}

}  // namespace signalbox::testing
