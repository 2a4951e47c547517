// Calls that are stopped: told to, and given up on when they do not confirm it. A task of a
// background class that is stopped for an interactive call waits again.
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/tasks/task_actor.hpp"

namespace signalbox::actors {
namespace {

/// A backend that does not confirm an abort within this has lost its right to the lease.
constexpr std::chrono::seconds abort_patience{1};

}  // namespace

void TaskRun::abort_call() {
  x_self->send(x_executor, AbortTask{x_setup.task->id, x_epoch});
  x_self->delayed_send(x_self, abort_patience, AbortTick{x_epoch});
}

// It hangs: that counts against it, whatever it had said before.
void TaskRun::abort_unconfirmed(Epoch epoch) {
  if (!x_is_call_open || epoch != x_epoch) return;
  x_is_call_open = false;
  x_lease_outcome = LeaseOutcome::failed;
  if (x_end) {
    let_go();
  } else {
    yielded();
  }
}

// A caller who was shown a part of the answer is not shown another beginning; observers are told
// that it starts over.
void TaskRun::yield_slot() {
  const bool is_closing = x_place == Place::slot && x_setup.task->state == TaskState::pending;
  if (x_end || x_is_yielding || is_closing) return;
  // Its turn may be on its way to it still, or a lease.
  if (x_place != Place::slot || x_is_acquiring || x_listeners.has_reader()) {
    x_self->send(x_setup.profile, KeepTurn{x_setup.task->id});
    return;
  }
  if (!x_is_call_open) {
    // In the pause before another attempt.
    requeue(Return::preempted);
    return;
  }
  x_is_yielding = true;
  forget_attempt();
  abort_call();
}

void TaskRun::yielded() {
  x_is_yielding = false;
  tell_receipt({});
  requeue(Return::preempted);
}

}  // namespace signalbox::actors
