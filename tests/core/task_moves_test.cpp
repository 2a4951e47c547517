// Goal: a move changes a task only from the states and the claim that it names, and leaves exactly
// the fields that it should. Method: every state x target x set of from-states x epoch; then field
// by field for each target.
#include "core/task_moves.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "core/tasks/attempt_log.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using enum TaskState;

constexpr WallTime wall(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

Attempt first_attempt() {
  return {1, "beta", "session", wall(1), wall(2), Attempt::Outcome::lost, ErrorCode::none};
}

/// Under way.
Attempt second_attempt() {
  return {2, "alpha", "session", wall(2), WallTime{}, Attempt::Outcome::open, ErrorCode::none};
}

/// second_attempt() ended by move_to().
Attempt ended_attempt(Attempt::Outcome outcome) {
  Attempt attempt = second_attempt();
  attempt.ended_at = wall(50);
  attempt.outcome = outcome;
  attempt.error_code = ErrorCode::backend_error;
  return attempt;
}

/// As it is after an attempt that had begun to stream, with all else set too, so that a field
/// touched wrongly shows.
Task task_in(TaskState state) {
  Task task;
  task.id = task_id(7);
  task.state = state;
  task.pool = "pool";
  task.llm = "llm";
  task.owner = "owner";
  task.queue_wait_ms = 20'000;
  task.inference_ms = 120'000;
  task.claimed_by = "session";
  task.backend = "alpha";
  task.attempt_log = {first_attempt(), second_attempt()};
  task.epoch = 41;
  task.attempts = 2;
  task.losses = 1;
  task.created_at = wall(1);
  task.claimed_at = wall(2);
  task.stream_started_at = wall(3);
  return task;
}

MoveTask move_to(TaskState to) {
  MoveTask move;
  move.id = task_id(7);
  move.from = {pending, claimed, running, completed, TaskState::error, cancelled};
  move.to = to;
  move.claimed_by = "other";
  move.backend = "gamma";
  move.new_epoch = 99;
  move.at = wall(50);
  move.error_code = ErrorCode::backend_error;
  move.error_message = "said no";
  move.backend_status = 418;
  move.response_type = "text/plain";
  return move;
}

}  // namespace

TEST_CASE("task_moves: applies asks for the state, the epoch and a legal transition, all three",
          "[core][task_moves]") {
  std::size_t applied = 0;
  for (unsigned state = 0; state < task_state_count; ++state) {
    for (unsigned to = 0; to < task_state_count; ++to) {
      for (unsigned from_bits = 0; from_bits < 64; ++from_bits) {
        for (const Epoch task_epoch : {Epoch{0}, Epoch{41}}) {
          for (const Epoch move_epoch : {Epoch{0}, Epoch{41}, Epoch{42}}) {
            Task task = task_in(static_cast<TaskState>(state));
            task.epoch = task_epoch;
            MoveTask move = move_to(static_cast<TaskState>(to));
            move.from.bits = static_cast<std::uint8_t>(from_bits);
            move.epoch = move_epoch;
            bool is_right = may_go(task.state, move.to);
            if ((from_bits >> state & 1U) == 0) is_right = false;
            if (move_epoch != 0 && move_epoch != task_epoch) is_right = false;
            if (applies(task, move) != is_right) {
              FAIL(state << " to " << to << " from " << from_bits << " epochs " << task_epoch << " "
                         << move_epoch);
            }
            applied += is_right ? 1 : 0;
          }
        }
      }
    }
  }
  // 14 legal transitions, half of the from-sets, 3 of 6 pairs of epochs.
  CHECK(applied == 14 * 32 * 3);
}

TEST_CASE("task_moves: a row's times stay in order when the clock is set back",
          "[core][task_moves]") {
  for (const TaskState to : {pending, running, completed}) {
    Task task = task_in(claimed);
    task.stream_started_at = {};
    MoveTask move = move_to(to);
    move.at = wall(-1'000'000);
    apply(task, move);
    if (to == running) CHECK(task.stream_started_at == wall(2));
    if (to == completed) CHECK(task.completed_at == wall(2));
    if (to != running) CHECK(task.attempt_log.back().ended_at == wall(2));
  }
  // Also from one attempt to the next.
  Task task = task_in(running);
  MoveTask back = move_to(pending);
  back.at = wall(70);
  apply(task, back);
  apply(task, move_to(claimed));
  CHECK(task.claimed_at == wall(70));
  CHECK(task.attempt_log.back().claimed_at == wall(70));
}

TEST_CASE("task_moves: a move that does not apply is refused as a bug", "[core][task_moves]") {
  for (const TaskState state : {completed, TaskState::error, cancelled}) {
    Task task = task_in(state);
    CHECK_FALSE(survives([&] { apply(task, move_to(completed)); }));
  }
  Task task = task_in(running);
  MoveTask stale = move_to(completed);
  stale.epoch = 40;
  CHECK_FALSE(survives([&] { apply(task, stale); }));
}

TEST_CASE("task_moves: a claim sets who, when and which, and counts", "[core][task_moves]") {
  for (const TaskState state : {pending, claimed, running}) {
    Task task = task_in(state);
    apply(task, move_to(claimed));
    Task expected = task_in(claimed);
    expected.claimed_by = "other";
    expected.backend = "gamma";
    expected.attempt_log = {
        first_attempt(),
        ended_attempt(Attempt::Outcome::failed),
        {3, "gamma", "other", wall(50), WallTime{}, Attempt::Outcome::open, ErrorCode::none}};
    expected.epoch = 99;
    expected.claimed_at = wall(50);
    expected.stream_started_at = WallTime{};
    expected.attempts = 3;
    CHECK(task == expected);
  }
}

TEST_CASE("task_moves: the first byte sets its time and nothing else", "[core][task_moves]") {
  Task task = task_in(claimed);
  apply(task, move_to(running));
  Task expected = task_in(running);
  expected.stream_started_at = wall(50);
  CHECK(task == expected);
}

TEST_CASE("task_moves: going back forgets the claim; only a loss counts as one",
          "[core][task_moves]") {
  for (const TaskState state : {claimed, running}) {
    for (const bool lost : {false, true}) {
      Task task = task_in(state);
      MoveTask move = move_to(pending);
      move.lost = lost;
      apply(task, move);
      Task expected = task_in(pending);
      expected.claimed_by.clear();
      expected.backend.clear();
      expected.attempt_log.back() =
          ended_attempt(lost ? Attempt::Outcome::lost : Attempt::Outcome::returned);
      expected.epoch = 0;
      expected.claimed_at = WallTime{};
      expected.stream_started_at = WallTime{};
      expected.losses = lost ? 2 : 1;
      CHECK(task == expected);
    }
  }
}

TEST_CASE("task_moves: a preemption is counted for itself", "[core][task_moves]") {
  for (const TaskState state : {claimed, running}) {
    Task task = task_in(state);
    MoveTask move = move_to(pending);
    move.preempted = true;
    apply(task, move);
    CHECK(task.state == pending);
    CHECK(task.preemptions == 1);
    CHECK(task.losses == 1);
    CHECK(task.attempts == task_in(state).attempts);
    CHECK(task.attempt_log.back().outcome == Attempt::Outcome::preempted);
    CHECK(to_string(task.attempt_log.back().outcome) == "preempted");
  }
}

TEST_CASE("task_moves: an end keeps the record of who ended it", "[core][task_moves]") {
  for (const TaskState to : {completed, TaskState::error, cancelled}) {
    for (const TaskState state : {pending, claimed, running}) {
      if (!may_go(state, to)) continue;
      Task task = task_in(state);
      apply(task, move_to(to));
      Task expected = task_in(to);
      expected.completed_at = wall(50);
      expected.error_code = ErrorCode::backend_error;
      expected.error_message = "said no";
      expected.backend_status = 418;
      expected.response_type = "text/plain";
      expected.attempt_log.back() = ended_attempt(to == completed   ? Attempt::Outcome::completed
                                                  : to == cancelled ? Attempt::Outcome::cancelled
                                                                    : Attempt::Outcome::failed);
      CHECK(task == expected);
    }
  }
}

TEST_CASE("task_moves: an attempt that is over, or that no log knows, is not closed again",
          "[core][task_moves]") {
  Task task = task_in(pending);
  task.attempt_log = {first_attempt()};
  apply(task, move_to(cancelled));
  CHECK(task.attempt_log == std::vector{first_attempt()});

  Task old = task_in(running);
  old.attempt_log.clear();
  apply(old, move_to(pending));
  CHECK(old.attempt_log.empty());
  apply(old, move_to(claimed));
  REQUIRE(old.attempt_log.size() == 1);
  CHECK(old.attempt_log.front().number == 3);
}

TEST_CASE("task_moves: the log keeps the last sixteen attempts in order", "[core][task_moves]") {
  Task task = task_in(pending);
  task.attempt_log.clear();
  task.attempts = 0;
  for (std::uint32_t number = 1; number <= 40; ++number) {
    apply(task, move_to(claimed));
    REQUIRE(task.attempt_log.size() == std::min<std::size_t>(number, attempt_log_max));
    REQUIRE(task.attempt_log.back().number == number);
    REQUIRE(task.attempt_log.back().outcome == Attempt::Outcome::open);
  }
  CHECK(task.attempt_log.front().number == 25);
  for (std::size_t index = 0; index + 1 < task.attempt_log.size(); ++index) {
    CHECK(task.attempt_log[index].number == 25 + index);
    CHECK(task.attempt_log[index].outcome == Attempt::Outcome::failed);
  }
}

TEST_CASE("task_moves: a worker that was given up on can change nothing", "[core][task_moves]") {
  Task task = task_in(pending);
  task.epoch = 0;
  MoveTask first_claim = move_to(claimed);
  first_claim.new_epoch = 1;
  apply(task, first_claim);
  MoveTask back = move_to(pending);
  back.epoch = 1;
  apply(task, back);
  const auto fenced = [](TaskState to) {
    MoveTask move = move_to(to);
    move.epoch = 1;
    return move;
  };
  for (const TaskState to : {pending, claimed, running, completed, TaskState::error, cancelled}) {
    CHECK_FALSE(applies(task, fenced(to)));
  }
  MoveTask second_claim = move_to(claimed);
  second_claim.new_epoch = 2;
  apply(task, second_claim);
  for (const TaskState to : {pending, claimed, running, completed, TaskState::error, cancelled}) {
    CHECK_FALSE(applies(task, fenced(to)));
  }
  MoveTask done = move_to(completed);
  done.epoch = 2;
  CHECK(applies(task, done));
}

TEST_CASE(
    "task_moves: a restart puts a held task back without counting, until its attempts are used up",
    "[core][task_moves]") {
  for (const TaskState state : {claimed, running}) {
    for (std::uint32_t attempts = 0; attempts <= 4; ++attempts) {
      Task task = task_in(state);
      task.attempts = attempts;
      const MoveTask move = move_after_restart(task, 3, wall(60));
      CHECK(move.id == task.id);
      CHECK(move.epoch == task.epoch);
      CHECK_FALSE(move.lost);
      REQUIRE(applies(task, move));
      apply(task, move);
      CHECK(task.attempts == attempts);
      CHECK(task.losses == 1);
      if (attempts < 3) {
        CHECK(task.state == pending);
        CHECK(task.epoch == 0);
        CHECK(task.error_code == ErrorCode::none);
        CHECK(task.attempt_log.back().outcome == Attempt::Outcome::returned);
      } else {
        CHECK(task.attempt_log.back().outcome == Attempt::Outcome::failed);
        CHECK(task.attempt_log.back().error_code == ErrorCode::worker_lost);
        CHECK(task.state == TaskState::error);
        CHECK(task.error_code == ErrorCode::worker_lost);
        CHECK_FALSE(task.error_message.empty());
        CHECK(task.completed_at == wall(60));
      }
    }
  }
}

TEST_CASE("task_moves: a restart does not count preemptions as attempts", "[core][task_moves]") {
  for (std::uint32_t attempts = 2; attempts <= 6; ++attempts) {
    Task task = task_in(claimed);
    task.attempts = attempts;
    task.preemptions = 2;
    CHECK((move_after_restart(task, 3, wall(60)).to == pending) == (attempts < 5));
  }
}

TEST_CASE("task_moves: what was given back in good order does not count, what a crash ended does",
          "[core][task_moves]") {
  Task task = task_in(pending);
  task.attempts = 0;
  task.attempt_log.clear();
  MoveTask back = move_to(pending);
  back.error_code = ErrorCode::none;
  for (std::uint32_t round = 1; round <= 4; ++round) {
    apply(task, move_to(claimed));
    CHECK(counted_attempts(task) == 1);
    apply(task, back);
  }
  for (std::uint32_t crash = 1; crash <= 3; ++crash) {
    apply(task, move_to(claimed));
    CHECK(counted_attempts(task) == crash);
    const MoveTask move = move_after_restart(task, 3, wall(60));
    CHECK(move.to == (crash < 3 ? pending : TaskState::error));
    apply(task, move);
  }
  CHECK(task.attempts == 7);
}

TEST_CASE("task_moves: a task is overdue when it has waited since before, from its last return on",
          "[core][task_moves]") {
  Task task = task_in(pending);
  task.attempt_log.clear();
  const WallTime made = task.id.created_at();
  CHECK_FALSE(is_overdue(task, made));
  CHECK(is_overdue(task, made + std::chrono::milliseconds{1}));
  apply(task, move_to(claimed));
  CHECK_FALSE(is_overdue(task, WallTime::max()));
  MoveTask back = move_to(pending);
  back.at = made + std::chrono::seconds{9};
  apply(task, back);
  CHECK_FALSE(is_overdue(task, back.at));
  CHECK(is_overdue(task, back.at + std::chrono::milliseconds{1}));
}

}  // namespace signalbox::test
