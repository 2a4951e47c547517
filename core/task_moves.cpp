#include "core/task_moves.hpp"

#include <string>

namespace signalbox {
namespace {

void claim(Task& task, const MoveTask& move) {
  task.claimed_by = move.claimed_by;
  task.epoch = move.new_epoch;
  task.claimed_at = move.at;
  task.stream_started_at = WallTime{};
  ++task.attempts;
}

void release(Task& task, const MoveTask& move) {
  task.claimed_by.clear();
  task.epoch = 0;
  task.claimed_at = WallTime{};
  task.stream_started_at = WallTime{};
  if (move.lost) ++task.losses;
}

void finish(Task& task, const MoveTask& move) {
  task.completed_at = move.at;
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
  switch (move.to) {
    case TaskState::pending:
      return release(task, move);
    case TaskState::claimed:
      return claim(task, move);
    case TaskState::running:
      task.stream_started_at = move.at;
      return;
    case TaskState::completed:
    case TaskState::error:
    case TaskState::cancelled:
      return finish(task, move);
  }
}

MoveTask move_after_restart(const Task& task, std::uint32_t max_attempts, WallTime now) {
  MoveTask move;
  move.id = task.id;
  move.from = {TaskState::claimed, TaskState::running};
  move.epoch = task.epoch;
  move.at = now;
  if (task.attempts >= max_attempts) {
    move.to = TaskState::error;
    move.error_code = ErrorCode::worker_lost;
    move.error_message = "The broker was restarted while attempt " + std::to_string(task.attempts) +
                         " of at most " + std::to_string(max_attempts) + " was under way.";
  }
  return move;
}

}  // namespace signalbox
