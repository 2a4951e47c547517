// What a MoveTask does to a task, apart from where the task is kept: every store applies moves
// through these three functions, so that the rules of the state machine exist once.
#pragma once

#include <cstdint>

#include "core/base/time.hpp"
#include "core/ports.hpp"
#include "core/tasks/task.hpp"

namespace signalbox {

/// @returns whether `move` may be applied to `task`: its state is in `move.from`, its epoch is
/// `move.epoch` (0 asks for none), and the transition is legal. Does not look at the ids.
bool applies(const Task& task, const MoveTask& move);

/// Applies `move`. What belongs to a claim that is over (claimed_by, backend, epoch, the
/// times of its attempt) is cleared on the way back to pending and replaced by the next claim; a
/// terminal task keeps it, as the record of who ended it. The attempt log gains an entry with each
/// claim, and the move that ends the claim closes it: as `failed` when another claim replaces it,
/// as `lost`, `preempted` or `returned` on the way back, else as the task ends. A time is never
/// before those that the row has, also when the clock that `move.at` is from was set back.
/// @pre applies(task, move)
void apply(Task& task, const MoveTask& move);

/// The move for a task that was held when the broker stopped: back to pending, attempts and losses
/// unchanged since no worker failed, or to error `worker_lost` when its counted_attempts() have
/// used up `max_attempts`, so that a task that kills the broker does not do so for ever. The
/// attempt is closed as `returned` in the first case, with `worker_lost` since it counts, and as
/// `failed` in the other.
/// @pre task.state is claimed or running.
MoveTask move_after_restart(const Task& task, std::uint32_t max_attempts, WallTime now);

}  // namespace signalbox
