// Goal: sessions are watched until a server fails, and again when it has been well for a while.
// Method: events fed by hand; the house is there only to say that its servers are well.
#include <catch2/catch.hpp>
#include <map>

#include "core/task_moves.hpp"
#include "simulations/campaign/invariants.hpp"
#include "tests/simulations/silent_witness.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

sim::Scenario two_servers() {
  sim::Scenario scenario;
  ProfileSettings line;
  line.max_concurrent = 2;
  scenario.profiles["line"] = line;
  for (const char* name : {"one", "two"}) {
    sim::BackendSpec& server = scenario.backends.emplace_back();
    server.name = name;
    server.pool = "pool";
    server.capacity = 1;
  }
  scenario.pools["pool"] = ChoiceKind::affinity;
  sim::ClientSpec& client = scenario.clients.emplace_back();
  client.name = "chat";
  client.profile = "line";
  client.target = "pool";
  scenario.faults = {{sim::FaultKind::refuse, "one", 10s, 5s}};
  return scenario;
}

/// One session's calls, each done at once.
class Story {
 public:
  Story() : x_house{x_scenario, {}, x_witness}, x_rules{x_scenario, 0} {
    x_rules.started(x_house, 0s);
  }

  void call(const std::string& server) {
    const std::uint8_t number = ++x_calls;
    Task row;
    IdBytes bytes{};
    bytes.back() = number;
    row.id = TaskId{bytes};
    row.profile = "line";
    row.pool = "pool";
    row.attended = true;
    row.queue_wait_ms = row.inference_ms = 10'000;
    x_rules.called({number, row.id, 0, {}, "session"}, x_now);
    tell(InsertTask{share(row), nullptr}, row);
    for (const TaskState state : {TaskState::claimed, TaskState::completed}) {
      MoveTask op;
      op.id = row.id;
      op.from = {TaskState::pending, TaskState::claimed};
      op.to = state;
      op.backend = server;
      op.new_epoch = number;
      op.at = WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(x_now) + 1h};
      apply(row, op);
      tell(op, row);
    }
    actors::TaskEnded end;
    end.call = number;
    end.facts.task = row.id;
    x_rules.ended(end, x_now);
  }
  void fail_server() { x_rules.fault_began(x_scenario.faults.front(), x_now); }
  void go_to(Duration time) { x_now = time; }
  /// Until the house has been asked once.
  void look() {
    for (int settle = 0; settle < 64; ++settle) x_rules.settled(x_house, x_now);
  }
  [[nodiscard]] int broken() const {
    INFO((x_rules.violation() ? x_rules.violation()->what : ""));
    return x_rules.violation() ? x_rules.violation()->invariant : 0;
  }
  [[nodiscard]] std::uint64_t times(sim::Probe probe) const {
    return x_rules.probes()[static_cast<std::size_t>(probe)];
  }

 private:
  static TaskPtr share(const Task& row) { return std::make_shared<const Task>(row); }
  void tell(const StoreOp& op, const Task& row) {
    StoreResult result;
    result.task = share(row);
    x_rules.committed(op, result, x_now);
  }

  sim::Scenario x_scenario = two_servers();
  SilentWitness x_witness;
  sim::SimulatedHouse x_house;
  sim::Invariants x_rules;
  Duration x_now{};
  std::uint8_t x_calls = 0;
};

}  // namespace

TEST_CASE("invariants: I7, a session that leaves a server that is well",
          "[simulations][invariants]") {
  Story story;
  story.call("one");
  story.go_to(1s);
  story.call("one");
  CHECK(story.broken() == 0);
  story.call("two");
  CHECK(story.broken() == 7);
}

TEST_CASE("invariants: a session may leave a server that fails", "[simulations][invariants]") {
  Story story;
  story.call("one");
  story.go_to(10s);
  story.fail_server();
  story.call("two");
  story.look();
  // The fault is over, and what it did may not be.
  story.go_to(16s);
  story.look();
  story.call("one");
  CHECK(story.broken() == 0);
  CHECK(story.times(sim::Probe::session_kept_after_fault) == 0);
}

TEST_CASE("invariants: I7, a session that leaves when the fault has long been over",
          "[simulations][invariants]") {
  Story story;
  story.call("one");
  story.go_to(10s);
  story.fail_server();
  story.call("two");
  story.go_to(16s);
  story.look();
  story.go_to(18s);
  story.look();
  // Nobody knows where it was until it calls.
  story.call("one");
  story.call("one");
  CHECK(story.broken() == 0);
  CHECK(story.times(sim::Probe::session_kept_after_fault) == 1);
  story.call("two");
  CHECK(story.broken() == 7);
}

}  // namespace signalbox::testing
