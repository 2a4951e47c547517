#include "core/task_moves.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/tasks/attempt_log.hpp"

namespace signalbox {
namespace {

/// The machine's clock may have been set back since: a row's times stay in order all the same.
WallTime not_before(const Task& task, WallTime at) {
  at = std::max({at, task.created_at, task.claimed_at, task.stream_started_at});
  return task.attempt_log.empty() ? at : std::max(at, task.attempt_log.back().ended_at);
}

/// Ends the attempt under way, if one is: a task that was claimed before rows had a log has none.
void close_attempt(Task& task, const MoveTask& move, Attempt::Outcome outcome, WallTime at) {
  if (task.attempt_log.empty()) return;
  Attempt& last = task.attempt_log.back();
  if (last.outcome != Attempt::Outcome::open) return;
  last.outcome = outcome;
  last.ended_at = at;
  last.error_code = move.error_code;
}

void open_attempt(Task& task) {
  auto& log = task.attempt_log;
  if (log.size() >= attempt_log_max) {
    log.erase(log.begin(), log.end() - (attempt_log_max - 1));
  }
  Attempt attempt;
  attempt.number = task.attempts;
  attempt.backend = task.backend;
  attempt.claimed_by = task.claimed_by;
  attempt.claimed_at = task.claimed_at;
  log.push_back(std::move(attempt));
}

void claim(Task& task, const MoveTask& move, WallTime at) {
  // A claim that follows a claim: the attempt failed and another backend takes over.
  close_attempt(task, move, Attempt::Outcome::failed, at);
  task.backend = move.backend;
  task.claimed_by = move.claimed_by;
  task.epoch = move.new_epoch;
  task.claimed_at = at;
  task.stream_started_at = WallTime{};
  ++task.attempts;
  open_attempt(task);
}

Attempt::Outcome outcome_of_return(const MoveTask& move) {
  if (move.preempted) return Attempt::Outcome::preempted;
  return move.lost ? Attempt::Outcome::lost : Attempt::Outcome::returned;
}

void release(Task& task, const MoveTask& move, WallTime at) {
  close_attempt(task, move, outcome_of_return(move), at);
  task.claimed_by.clear();
  task.backend.clear();
  task.epoch = 0;
  task.claimed_at = WallTime{};
  task.stream_started_at = WallTime{};
  if (move.lost) ++task.losses;
  if (move.preempted) ++task.preemptions;
}

Attempt::Outcome outcome_of_end(TaskState state) {
  if (state == TaskState::completed) return Attempt::Outcome::completed;
  return state == TaskState::cancelled ? Attempt::Outcome::cancelled : Attempt::Outcome::failed;
}

void finish(Task& task, const MoveTask& move, WallTime at) {
  close_attempt(task, move, outcome_of_end(move.to), at);
  task.completed_at = at;
  task.error_code = move.error_code;
  task.error_message = move.error_message;
  task.backend_status = move.backend_status;
  task.response_type = move.response_type;
}

}  // namespace

bool applies(const Task& task, const MoveTask& move) {
  if (!move.from.contains(task.state)) return false;
  if (move.epoch != 0 && move.epoch != task.epoch) return false;
  return may_go(task.state, move.to);
}

void apply(Task& task, const MoveTask& move) {
  SIGNALBOX_ASSERT(applies(task, move));
  task.state = move.to;
  const WallTime at = not_before(task, move.at);
  switch (move.to) {
    case TaskState::pending:
      return release(task, move, at);
    case TaskState::claimed:
      return claim(task, move, at);
    case TaskState::running:
      task.stream_started_at = at;
      return;
    case TaskState::completed:
    case TaskState::error:
    case TaskState::cancelled:
      return finish(task, move, at);
  }
}

MoveTask move_after_restart(const Task& task, std::uint32_t max_attempts, WallTime now) {
  MoveTask move;
  move.id = task.id;
  move.from = {TaskState::claimed, TaskState::running};
  move.epoch = task.epoch;
  move.at = now;
  move.error_code = ErrorCode::worker_lost;
  const std::uint32_t attempts = counted_attempts(task);
  if (attempts >= max_attempts) {
    move.to = TaskState::error;
    move.error_message = "The broker was restarted while attempt " + std::to_string(attempts) +
                         " of at most " + std::to_string(max_attempts) + " was under way.";
  }
  return move;
}

}  // namespace signalbox
