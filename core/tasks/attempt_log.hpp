// What a task's row says of the attempts behind it: how many count against it, and since when it
// waits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/tasks/task.hpp"

namespace signalbox {

/// Claims so far, the one under way included, without those that say nothing against the task: they
/// were taken from it for a better class, or given back in good order. One that a crash of the
/// broker ended counts. Of claims that the log has dropped only preemptions are known not to count.
inline std::uint32_t counted_attempts(const Task& task) {
  const auto returned =
      std::count_if(task.attempt_log.begin(), task.attempt_log.end(), [](const Attempt& attempt) {
        return attempt.outcome == Attempt::Outcome::returned &&
               attempt.error_code == ErrorCode::none;
      });
  return task.attempts - task.preemptions - static_cast<std::uint32_t>(returned);
}

/// @returns whether it is pending and has been so since before `before`. One that was put back
/// waits anew.
inline bool is_overdue(const Task& task, WallTime before) {
  if (task.state != TaskState::pending || task.id.created_at() >= before) return false;
  return task.attempt_log.empty() || task.attempt_log.back().ended_at < before;
}

}  // namespace signalbox
