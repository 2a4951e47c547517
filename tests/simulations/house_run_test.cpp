// Goal: apps with slots, sessions and bound workers do in a run what the documentation says, at the
// time it says. Method: runs of a few calls at known times, under the eyes of the invariants.
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>

#include "simulations/campaign/campaign.hpp"
#include "simulations/scenario/scenario_reader.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

sim::Scenario read(const std::string& text) {
  const auto file = sim::read_scenario("version: 1\n" + text, "house.yaml");
  for (const auto& violation : file.violations) FAIL(violation.message);
  return file.scenario;
}

struct Seen {
  sim::RunFigures figures;
  sim::ProbeCounts probes;
  /// In the order they ended.
  std::vector<sim::EndedTask> ends;

  [[nodiscard]] std::uint64_t slots(CallStatus status) const {
    return figures.slot_ends[static_cast<std::size_t>(status)];
  }
  [[nodiscard]] std::uint64_t times(sim::Probe probe) const {
    return probes[static_cast<std::size_t>(probe)];
  }
};

class Ends final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { all.push_back(task); }
  void sampled(std::uint64_t, const sim::LineState&) override {}
  std::vector<sim::EndedTask> all;
};

Seen run(const std::string& text) {
  const sim::Scenario scenario = read(text);
  sim::Invariants invariants{scenario};
  Ends ends;
  auto figures = sim::run(scenario, {.observer = &ends, .checker = &invariants});
  REQUIRE(figures.has_value());
  if (invariants.violation()) FAIL(sim::print_violation(*invariants.violation()));
  return {std::move(*figures), invariants.probes(), ends.all};
}

const std::string one_server = R"(
profiles: {line: {max_concurrent: 1}}
backends:
  - {name: server, capacity: 4, service: {law: const, value_s: 1}}
)";

}  // namespace

TEST_CASE("run: an app's slot keeps a task waiting until it is given back",
          "[simulations][run][slot]") {
  const Seen seen = run(one_server + R"(
clients:
  - {name: app, class: workflow, profile: line, slot: {hold: {law: const, value_s: 2}},
     arrival: {law: calls, calls: [{at_s: 0}]}}
  - {name: chat, class: workflow, profile: line, model: server,
     arrival: {law: calls, calls: [{at_s: 0.5}]}}
)");
  CHECK(seen.figures.slots == 1);
  CHECK(seen.slots(CallStatus::ok) == 1);
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].wait == 1500ms);
  CHECK(seen.ends[0].ended_at == 3s);
}

TEST_CASE("run: a slot that nobody renews lapses, one that is renewed does not",
          "[simulations][run][slot]") {
  const std::string chat = R"(
  - {name: chat, class: workflow, profile: line, model: server,
     arrival: {law: calls, calls: [{at_s: 0.1}]}}
)";
  const Seen lapsed = run(one_server + R"(
clients:
  - {name: app, class: workflow, profile: line, arrival: {law: calls, calls: [{at_s: 0}]},
     slot: {hold: {law: const, value_s: 3}, lease_s: 1}}
)" + chat);
  CHECK(lapsed.times(sim::Probe::slot_lapsed) == 1);
  CHECK(lapsed.ends.at(0).ended_at == 2s);
  const Seen renewed = run(one_server + R"(
clients:
  - {name: app, class: workflow, profile: line, arrival: {law: calls, calls: [{at_s: 0}]},
     slot: {hold: {law: const, value_s: 3}, lease_s: 1, renew_every_s: 0.5}}
)" + chat);
  CHECK(renewed.times(sim::Probe::slot_lapsed) == 0);
  CHECK(renewed.ends.at(0).ended_at == 4s);
}

TEST_CASE("run: a holder that dies gives its slot back", "[simulations][run][slot]") {
  const Seen seen = run(one_server + R"(
clients:
  - {name: app, class: workflow, profile: line, slot: {hold: {law: const, value_s: 9}},
     arrival: {law: calls, calls: [{at_s: 0, hang_up_after_s: 0.5}]}}
  - {name: chat, class: workflow, profile: line, model: server,
     arrival: {law: calls, calls: [{at_s: 0.1}]}}
)");
  CHECK(seen.times(sim::Probe::slot_holder_died) == 1);
  CHECK(seen.ends.at(0).ended_at == 1500ms);
}

TEST_CASE("run: a session's calls wait for its backend while another is idle",
          "[simulations][run][pools]") {
  const std::string pool = R"(
profiles: {line: {max_concurrent: 4}}
backends:
  - {name: one, pool: pool, capacity: 1, service: {law: const, value_s: 1}}
  - {name: two, pool: pool, capacity: 1, service: {law: const, value_s: 1}}
clients:
  - {name: chat, class: workflow, profile: line, model: pool, sessions: 1,
     arrival: {law: calls, calls: [{at_s: 0}, {at_s: 0.1}, {at_s: 0.2}]}}
)";
  const Seen free = run(pool);
  CHECK(free.figures.length == 2s);
  const Seen sticky = run(pool + "pools: {pool: {choice: affinity}}\n");
  CHECK(sticky.figures.length == 3s);
  CHECK(sticky.times(sim::Probe::session_waited_for_home) == 2);
}

TEST_CASE("run: a session is watched again when a fault is over", "[simulations][run][pools]") {
  const Seen seen = run(R"(
profiles: {line: {max_concurrent: 4}}
pools: {pool: {choice: affinity}}
backends:
  - {name: one, pool: pool, capacity: 1, service: {law: const, value_s: 0.3}}
  - {name: two, pool: pool, capacity: 1, service: {law: const, value_s: 0.3}}
clients:
  - {name: chat, class: workflow, profile: line, model: pool, sessions: 1, tasks: 40,
     arrival: {law: constant, every_s: 0.5}}
faults:
  - {kind: refuse, backend: one, at_s: 1, lasts_s: 2}
)");
  CHECK(seen.ends.size() == 40);
  CHECK(seen.times(sim::Probe::session_left_home) == 1);
  // From a good second after its end.
  CHECK(seen.times(sim::Probe::session_kept_after_fault) > 20);
}

TEST_CASE("run: models of one server share its room", "[simulations][run]") {
  const Seen seen = run(R"(
profiles: {line: {max_concurrent: 4}}
backends:
  - {name: gpu, capacity: 2, models: [small, large], swap_s: 5, service: {law: const, value_s: 1}}
clients:
  - {name: ann, class: workflow, profile: line, model: small, arrival: {law: calls, calls: [{at_s: 0}, {at_s: 0.1}]}}
  - {name: bob, class: workflow, profile: line, model: large, arrival: {law: calls, calls: [{at_s: 0.2}]}}
)");
  REQUIRE(seen.ends.size() == 3);
  // The first has its model loaded, the second finds it there, the third has another loaded.
  CHECK(seen.ends[0].ended_at == 1100ms);
  CHECK(seen.ends[1].ended_at == 6s);
  CHECK(seen.ends[2].ended_at == 7100ms);
  CHECK(seen.times(sim::Probe::model_swapped) == 1);
}

TEST_CASE("run: a worker that binds runs calls as a server does", "[simulations][run][worker]") {
  const std::string calls = R"(
clients:
  - {name: chat, class: workflow, profile: line, model: gpu, streaming: true, tokens_out: 5,
     arrival: {law: calls, calls: [{at_s: 0.5}, {at_s: 0.6}]}}
)";
  const std::string house = R"(
profiles: {line: {max_concurrent: 2}}
backends:
  - {name: gpu, capacity: 1, service: {law: const, value_s: 1}, worker: {heartbeat_s: 1}}
)";
  const Seen seen = run(house + calls);
  REQUIRE(seen.ends.size() == 2);
  CHECK(seen.ends[0].ended_at == 1500ms);
  CHECK(seen.ends[1].ended_at == 2500ms);
  CHECK(seen.ends[1].status == CallStatus::ok);
}

TEST_CASE("run: what a worker held when its connection broke is run again",
          "[simulations][run][worker]") {
  const Seen seen = run(R"(
profiles: {line: {max_concurrent: 2}}
backends:
  - {name: gpu, capacity: 1, service: {law: const, value_s: 1}, worker: {heartbeat_s: 1}}
clients:
  - {name: chat, class: workflow, profile: line, model: gpu,
     arrival: {law: calls, calls: [{at_s: 0}]}}
faults:
  - {kind: gone, backend: gpu, at_s: 0.5, lasts_s: 1}
)");
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].status == CallStatus::ok);
  CHECK(seen.ends[0].attempts == 2);
  // What it brings of the first attempt is stale; the second takes its own second.
  CHECK(seen.ends[0].ended_at == 2500ms);
}

TEST_CASE("run: a worker whose heartbeats come too late loses its session",
          "[simulations][run][worker]") {
  const Seen seen = run(R"(
worker_timeout_s: 0.5
profiles: {line: {max_concurrent: 1, default_queue_wait_s: 60}}
backends:
  - {name: gpu, capacity: 1, service: {law: const, value_s: 1}, worker: {heartbeat_s: 20}}
clients:
  - {name: chat, class: workflow, profile: line, model: gpu,
     arrival: {law: calls, calls: [{at_s: 0}]}}
)");
  REQUIRE(seen.ends.size() == 1);
  CHECK(seen.ends[0].attempts > 1);
}

TEST_CASE("run: a model that sleeps is woken by the first call", "[simulations][run][worker]") {
  const Seen seen = run(R"(
profiles: {line: {max_concurrent: 2}}
backends:
  - {name: gpu, capacity: 2, service: {law: const, value_s: 1},
     worker: {heartbeat_s: 1, wakes_in_s: 3}}
clients:
  - {name: chat, class: workflow, profile: line, model: gpu,
     arrival: {law: calls, calls: [{at_s: 0.5}, {at_s: 1}]}}
)");
  REQUIRE(seen.ends.size() == 2);
  CHECK(seen.ends[0].ended_at == 4500ms);
  CHECK(seen.ends[1].ended_at == 4500ms);
}

TEST_CASE("run: after a restart a call is let in for a slot that is free again",
          "[simulations][run][campaign]") {
  // It waits for a busy server; the slot's last holder waits for one that is not there.
  const Seen seen = run(R"(
profiles: {narrow: {max_concurrent: 1, max_queued: 0}, wide: {max_concurrent: 1}}
backends:
  - {name: busy, capacity: 1, service: {law: const, value_s: 1}}
  - {name: dead, capacity: 1, service: {law: const, value_s: 1}}
clients:
  - {name: first, class: background, profile: narrow, model: dead, async: true,
     arrival: {law: calls, calls: [{at_s: 0}]}}
  - {name: other, class: background, profile: wide, model: busy, async: true,
     arrival: {law: calls, calls: [{at_s: 0}]}}
  - {name: late, class: background, profile: narrow, model: busy,
     arrival: {law: calls, calls: [{at_s: 0.5}]}}
faults:
  - {kind: crash, at_s: 0.1, lasts_s: 0.4, messages: 0}
  - {kind: death, backend: dead, at_s: 0.3, lasts_s: 2}
)");
  CHECK(seen.figures.faults[static_cast<std::size_t>(sim::FaultKind::crash)] == 1);
  REQUIRE(seen.ends.size() == 3);
  for (const sim::EndedTask& end : seen.ends) CHECK(end.status == CallStatus::ok);
}

TEST_CASE("scenario: what is no matter of a slot or a worker is refused",
          "[simulations][scenario]") {
  const auto complaints = [](const std::string& text) {
    return sim::read_scenario("version: 1\n" + text, "house.yaml").violations.size();
  };
  CHECK(complaints(one_server + R"(
clients:
  - {name: app, class: workflow, profile: line, model: server,
     slot: {hold: {law: const, value_s: 2}, renew_every_s: 1},
     arrival: {law: calls, calls: [{at_s: 0}]}}
)") == 2);
  CHECK(complaints(R"(
profiles: {line: {}}
clients: []
tasks: 1
backends:
  - {name: gpu, service: {law: const, value_s: 1}, worker: {heartbeat_s: 0.001},
     reports_usage: true}
)") == 2);
}

}  // namespace signalbox::testing
