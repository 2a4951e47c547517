// Goal: each rule of the invariants is broken by what breaks it: a checker that never complains is
// none. Method: events fed by hand, without a house.
#include <catch2/catch.hpp>

#include "core/task_moves.hpp"
#include "simulations/campaign/invariants.hpp"
#include "tests/simulations/silent_witness.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

sim::Scenario one_line(const std::string& policy = "strict") {
  sim::Scenario scenario;
  ProfileSettings line;
  line.max_concurrent = 1;
  line.max_queued = 2;
  line.policy = policy;
  scenario.profiles["line"] = line;
  sim::BackendSpec& server = scenario.backends.emplace_back();
  server.name = "server";
  server.capacity = 1;
  for (const Priority priority : all_priorities) {
    sim::ClientSpec client;
    client.name = std::string{to_string(priority)};
    client.priority = priority;
    client.profile = "line";
    client.target = "server";
    scenario.clients.push_back(client);
  }
  return scenario;
}

TaskId id_of(std::uint8_t number) {
  IdBytes bytes{};
  bytes.back() = number;
  return TaskId{bytes};
}

/// Tells the invariants what a house might have done. Calls and tasks have the same numbers.
class Story {
 public:
  explicit Story(sim::Scenario scenario = one_line())
      : x_scenario{std::move(scenario)},
        x_house{x_scenario, {}, x_witness},
        x_rules{x_scenario, 0} {
    x_rules.started(x_house, 0s);
  }

  void call(std::uint8_t number, Priority priority = Priority::workflow,
            const std::string& key = {}) {
    x_rules.called({number, id_of(number), static_cast<std::uint32_t>(to_index(priority)), key},
                   x_now);
    Task task;
    task.id = id_of(number);
    task.profile = "line";
    task.pool = "server";
    task.priority = priority;
    task.attended = true;
    task.queue_wait_ms = 10'000;
    task.inference_ms = 5'000;
    task.idempotency_hash = key;
    x_rows[number] = task;
  }
  void insert(std::uint8_t number) { tell(InsertTask{share(x_rows.at(number)), nullptr}, number); }
  void enter(std::uint8_t number, Priority priority = Priority::workflow,
             const std::string& key = {}) {
    call(number, priority, key);
    insert(number);
  }
  void move(std::uint8_t number, TaskState to, ErrorCode code = ErrorCode::none) {
    MoveTask op;
    op.id = id_of(number);
    op.from = {TaskState::pending, TaskState::claimed, TaskState::running};
    op.to = to;
    op.backend = "server";
    op.claimed_by = "server";
    op.new_epoch = ++x_epoch;
    op.error_code = code;
    op.at = WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(x_now) + 1h};
    Task& row = x_rows.at(number);
    // A store that breaks its own rule.
    if (applies(row, op)) {
      apply(row, op);
    } else {
      row.state = to;
    }
    tell(op, number);
  }
  void end_told(std::uint8_t number, ErrorCode code = ErrorCode::none) {
    actors::TaskEnded message;
    message.call = number;
    message.facts.task = id_of(number);
    message.error.code = code;
    x_rules.ended(message, x_now);
  }
  void refused(std::uint8_t number) {
    actors::TaskRefused message;
    message.call = number;
    message.error.code = ErrorCode::queue_full;
    x_rules.refused(message, x_now);
  }
  void data(std::uint8_t number) { x_rules.data({number, nullptr, 1, {}}, x_now); }
  void pass(Duration time) {
    x_rules.settled(x_house, x_now);
    x_now += time;
    x_rules.settled(x_house, x_now);
  }
  void finish(std::size_t open = 0) { x_rules.finished(x_house, sim::RunFigures{}, open, x_now); }

  [[nodiscard]] int broken() const {
    return x_rules.violation() ? x_rules.violation()->invariant : 0;
  }
  Task& row(std::uint8_t number) { return x_rows.at(number); }
  sim::Invariants& rules() { return x_rules; }
  [[nodiscard]] Duration now() const { return x_now; }

 private:
  void tell(const StoreOp& op, std::uint8_t number) {
    StoreResult result;
    result.task = share(x_rows.at(number));
    x_rules.committed(op, result, x_now);
  }

  sim::Scenario x_scenario;
  SilentWitness x_witness;
  sim::SimulatedHouse x_house;
  sim::Invariants x_rules;
  Duration x_now{};
  Epoch x_epoch = 0;
  std::map<std::uint8_t, Task> x_rows;
};

}  // namespace

TEST_CASE("invariants: a good story breaks none", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.pass(1s);
  story.enter(2, Priority::background);
  story.enter(3, Priority::interactive);
  story.pass(1s);
  story.move(1, TaskState::completed);
  story.end_told(1);
  story.move(3, TaskState::claimed);
  story.pass(1s);
  story.move(3, TaskState::completed);
  story.end_told(3);
  story.move(2, TaskState::claimed);
  story.pass(5s);
  story.move(2, TaskState::error, ErrorCode::inference_timeout);
  story.end_told(2, ErrorCode::inference_timeout);
  story.pass(1s);
  INFO((story.rules().violation() ? story.rules().violation()->what : ""));
  CHECK(story.broken() == 0);
}

TEST_CASE("invariants: I1, a call without an end", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.move(1, TaskState::completed);
  story.finish();
  CHECK(story.broken() == 1);
}

TEST_CASE("invariants: I2, a task that is back from its end", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.move(1, TaskState::completed);
  story.move(1, TaskState::running);
  CHECK(story.broken() == 2);
}

TEST_CASE("invariants: I3, two tasks in one slot", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.enter(2);
  story.move(1, TaskState::claimed);
  CHECK(story.broken() == 0);
  story.move(2, TaskState::claimed);
  CHECK(story.broken() == 3);
}

TEST_CASE("invariants: I4, refused with room in line", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.pass(1s);
  story.enter(2);
  story.pass(1s);
  story.call(3);
  story.refused(3);
  story.pass(1s);
  CHECK(story.broken() == 4);
}

TEST_CASE("invariants: I4, who comes back at that moment counts", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.pass(1s);
  story.enter(2);
  story.pass(1s);
  // Its server dies: the profile knows at once, the row follows.
  story.call(3);
  story.refused(3);
  story.move(1, TaskState::pending);
  story.pass(1s);
  CHECK(story.broken() == 0);
}

TEST_CASE("invariants: I4, refused at the bound is right", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.enter(2);
  story.enter(3);
  story.pass(1s);
  story.call(4);
  story.refused(4);
  story.pass(1s);
  CHECK(story.broken() == 0);
}

TEST_CASE("invariants: I4, let in beyond the bound", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.pass(1s);
  story.enter(2);
  story.enter(3);
  story.pass(1s);
  CHECK(story.broken() == 0);
  story.enter(4);
  story.pass(1s);
  CHECK(story.broken() == 4);
}

TEST_CASE("invariants: I9, sent away and stopped too early", "[simulations][invariants]") {
  Story waits;
  waits.enter(1);
  waits.pass(9999ms);
  waits.move(1, TaskState::error, ErrorCode::queue_wait_timeout);
  CHECK(waits.broken() == 9);
  Story runs;
  runs.enter(1);
  runs.move(1, TaskState::claimed);
  runs.pass(4999ms);
  runs.move(1, TaskState::error, ErrorCode::inference_timeout);
  CHECK(runs.broken() == 9);
}

TEST_CASE("invariants: I6, a beginning before its claim", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.move(1, TaskState::running);
  story.row(1).stream_started_at -= 30min;
  story.move(1, TaskState::completed);
  CHECK(story.broken() == 6);
}

TEST_CASE("invariants: I7, background before interactive", "[simulations][invariants]") {
  Story story;
  story.enter(1, Priority::interactive);
  story.enter(2, Priority::background);
  story.pass(1s);
  story.move(2, TaskState::claimed);
  CHECK(story.broken() == 0);
  story.pass(1s);
  CHECK(story.broken() == 7);
}

TEST_CASE("invariants: I7, the one who came later before the other", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.pass(1s);
  story.enter(2);
  story.pass(1s);
  story.move(2, TaskState::claimed);
  story.pass(1s);
  CHECK(story.broken() == 7);
}

TEST_CASE("invariants: I8, aging that forgets who waits", "[simulations][invariants]") {
  Story story{one_line("aging")};
  story.enter(1, Priority::background);
  story.pass(9s);
  story.enter(2, Priority::interactive);
  story.pass(100ms);
  story.move(2, TaskState::claimed);
  story.pass(100ms);
  CHECK(story.broken() == 8);
}

TEST_CASE("invariants: I9, a wait and a run beyond their budgets", "[simulations][invariants]") {
  Story waits;
  waits.enter(1);
  waits.pass(10s);
  CHECK(waits.broken() == 0);
  waits.pass(1ms);
  CHECK(waits.broken() == 9);
  Story runs;
  runs.enter(1);
  runs.move(1, TaskState::claimed);
  runs.pass(5s);
  CHECK(runs.broken() == 0);
  runs.pass(1ms);
  CHECK(runs.broken() == 9);
}

TEST_CASE("invariants: I10, an end that is told and not stored", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.end_told(1);
  CHECK(story.broken() == 10);
}

TEST_CASE("invariants: I10, two ends under one key", "[simulations][invariants]") {
  Story story;
  story.enter(1, Priority::workflow, "key");
  story.move(1, TaskState::claimed);
  story.move(1, TaskState::completed);
  story.pass(1s);
  story.enter(2, Priority::workflow, "key");
  story.move(2, TaskState::claimed);
  CHECK(story.broken() == 0);
  story.move(2, TaskState::completed);
  CHECK(story.broken() == 10);
}

TEST_CASE("invariants: I11, a part of the answer after the end", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.move(1, TaskState::completed);
  story.end_told(1);
  CHECK(story.broken() == 0);
  story.data(1);
  CHECK(story.broken() == 11);
}

TEST_CASE("invariants: I11, a part of the answer for who has left", "[simulations][invariants]") {
  Story story;
  // With a key its task goes on.
  story.enter(1, Priority::workflow, "key");
  story.rules().hung_up(1, story.now());
  story.data(1);
  CHECK(story.broken() == 0);
  story.pass(1s);
  story.data(1);
  CHECK(story.broken() == 11);
}

TEST_CASE("invariants: I11, a cancel and a leaving that nobody heeds",
          "[simulations][invariants]") {
  Story cancelled;
  cancelled.enter(1);
  cancelled.move(1, TaskState::claimed);
  cancelled.rules().cancelled(1, cancelled.now());
  cancelled.pass(1s);
  CHECK(cancelled.broken() == 11);
  Story left;
  left.enter(1);
  left.rules().hung_up(1, left.now());
  left.pass(1s);
  CHECK(left.broken() == 11);
}

TEST_CASE("invariants: I11, done before its server", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  story.move(1, TaskState::claimed);
  story.rules().given(id_of(1), one_line().backends.front(), 2s, nullptr, story.now());
  story.pass(1s);
  story.move(1, TaskState::completed);
  CHECK(story.broken() == 11);
}

TEST_CASE("invariants: I2, tried a fourth time", "[simulations][invariants]") {
  Story story;
  story.enter(1);
  for (int attempt = 0; attempt < 3; ++attempt) story.move(1, TaskState::claimed);
  CHECK(story.broken() == 0);
  story.move(1, TaskState::claimed);
  CHECK(story.broken() == 2);
}

TEST_CASE("invariants: I14, a call that never ends", "[simulations][invariants]") {
  Story story;
  story.finish(1);
  CHECK(story.broken() == 14);
}

}  // namespace signalbox::testing
