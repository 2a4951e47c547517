// The task's way into a slot, its listeners, and its leaving. Attempts are in task_attempts.cpp,
// ends in task_end.cpp.
#include "actors/tasks/task_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/messages/sent.hpp"
#include "core/admission/budgets.hpp"
#include "core/task_moves.hpp"
#include "core/tasks/attempt_log.hpp"

namespace signalbox::actors {

// -- admission
// ------------------------------------------------------------------------------------------------------

void TaskRun::enter() {
  x_queued_at = now();
  x_waits_since = x_queued_at;
  const Task& task = *x_setup.task;
  x_row = new_call_row(task);
  if (x_setup.listener) {
    const Listeners::Listener& first = *x_setup.listener;
    add_listener({first.call, first.handle, first.is_observer});
  }
  if (x_setup.entry == TaskEntry::backlog) {
    // The call is older than its actor.
    x_queued_at -= std::max(wall() - task.created_at, std::chrono::milliseconds{0});
    x_waits_since = x_queued_at;
    x_place = Place::queued;
    x_is_inserted = true;
    watch_turn();
    return;
  }
  if (x_setup.refusal.code != ErrorCode::none) {
    x_place = Place::left;
    insert();
    return;
  }
  ReserveTurn reserve;
  reserve.request.id = task.id;
  reserve.request.priority = task.priority;
  reserve.request.target = task.pool;
  reserve.request.counted = task.attended;
  reserve.request.queue_wait = std::chrono::milliseconds{task.queue_wait_ms};
  reserve.request.inference = std::chrono::milliseconds{task.inference_ms};
  reserve.request.owner = task.owner;
  reserve.request.size = x_setup.size;
  // A key may turn out to be another task's: then nothing may run before the store has said so.
  x_is_ready = x_setup.is_relaxed && task.idempotency_hash.empty() && !x_setup.is_async;
  reserve.is_ready = x_is_ready;
  reserve.session = x_setup.session;
  reserve.client = x_self;
  x_self->send(x_setup.profile, std::move(reserve));
}

void TaskRun::watch_turn() {
  const Task& task = *x_setup.task;
  x_self->send(
      x_setup.profile,
      WatchTurn{task.id, x_self, std::chrono::milliseconds{task.inference_ms}, task.preemptions});
}

void TaskRun::reserved() {
  if (x_place == Place::reserving) x_place = Place::queued;
  if (!x_end) insert();
}

void TaskRun::insert() {
  x_is_inserted = true;
  write({InsertTask{x_setup.task, x_setup.request}, {}, insert_cookie}, true);
  note_row();
}

void TaskRun::refused(Error error) {
  x_place = Place::left;
  if (!x_end) end(TaskState::error, std::move(error), nullptr, nullptr);
  retire_when_done();
}

void TaskRun::granted(TurnGranted& message) {
  if (x_is_retiring) {
    // It has become a row meanwhile; the broker has heard so before this.
    x_self->send(x_setup.house->broker,
                 BacklogGranted{x_setup.task->id, x_setup.task->profile, std::move(message.lease),
                                std::move(message.executor), message.queue_wait});
    return;
  }
  x_place = Place::slot;
  x_lease = std::move(message.lease);
  x_executor = std::move(message.executor);
  // Its row does not know.
  if (x_lease->session) x_setup.session = *x_lease->session;
  if (x_end) {
    let_go();
    return;
  }
  x_admitted_at = now();
  x_row.admitted_at = wall();
  x_row.queue_wait_ms = std::max(x_row.queue_wait_ms, 0.0) + to_fractional_ms(message.queue_wait);
  claim();
}

void TaskRun::expired(const BudgetExpired& message) {
  const Task& task = *x_setup.task;
  if (message.code == ErrorCode::inference_timeout) {
    judge_timeout();
    end(TaskState::error,
        inference_timeout(task.profile, static_cast<double>(task.inference_ms) / 1e3,
                          "the backend did not finish within the inference budget"),
        nullptr, nullptr);
    return;
  }
  x_place = Place::left;
  end(TaskState::error,
      queue_wait_timeout(task.profile, task.priority, static_cast<double>(task.queue_wait_ms) / 1e3,
                         message.retry_after_s, message.is_unserved ? task.pool : std::string{}),
      nullptr, nullptr);
}

void TaskRun::end_by_order(EndTask& message) {
  if (x_end) return;
  if (x_is_retiring) {
    x_self->send(x_setup.house->broker,
                 OrderEnd{x_setup.task->id, std::move(message.error), message.pending_before});
    return;
  }
  // Its turn came while the collector looked.
  if (message.pending_before && !is_overdue(*x_setup.task, *message.pending_before)) return;
  const auto state =
      message.error.code == ErrorCode::task_cancelled ? TaskState::cancelled : TaskState::error;
  end(state, std::move(message.error), nullptr, nullptr);
}

// -- listeners
// ------------------------------------------------------------------------------------------------------

bool TaskRun::keeps_stream() const {
  return !x_setup.task->attended || !x_setup.task->idempotency_hash.empty();
}

void TaskRun::add_listener(const AddListener& message) {
  if (x_is_retiring && !x_end) {
    // It has become a row meanwhile; the broker has heard so before this.
    WatchTask watch{message.call, message.listener, x_setup.task->id, TaskId{}};
    watch.is_observer = message.is_observer;
    watch.wants_past = message.wants_past;
    x_self->send(x_setup.house->broker, std::move(watch));
    return;
  }
  if (x_is_announced) {
    if (message.wants_past) give_held({message.call, message.listener, message.is_observer, false});
    tell_end({message.call, message.listener, message.is_observer, false});
    return;
  }
  Listeners::Listener& listener =
      x_listeners.add(message.call, message.listener, message.is_observer);
  if (listener.is_observer) {
    x_self->send(listener.handle, TaskMoved{listener.call, x_setup.task, moved_at()});
    give_held(listener);
  } else if (x_has_begun && keeps_stream() && x_listeners.holds_all()) {
    begin_stream_for(listener);
    give_held(listener);
  }
}

void TaskRun::give_held(const Listeners::Listener& listener) {
  for (const StreamPart& held : x_listeners.held()) {
    x_self->send(listener.handle, TaskData{listener.call, held.data, held.first_event});
  }
}

void TaskRun::begin_stream_for(Listeners::Listener& listener) {
  listener.has_begun = true;
  x_self->send(listener.handle, TaskBegan{listener.call, facts(), x_content_type});
}

void TaskRun::tell_observers_moved() {
  for (const auto& listener : x_listeners.all()) {
    if (!listener.is_observer) continue;
    x_self->send(listener.handle, TaskMoved{listener.call, x_setup.task, moved_at()});
  }
}

void TaskRun::remove_listener(const RemoveListener& message) {
  const bool had_callers = x_listeners.has_callers();
  if (!x_listeners.remove(message.call, message.listener) || x_end || x_is_retiring) return;
  const Task& task = *x_setup.task;
  // With a key, the caller may come back for the answer; that of a row from before a restart has
  // gone long since, and who looks on does not count.
  const bool is_abandoned =
      task.attended && task.idempotency_hash.empty() && had_callers && !x_listeners.has_callers();
  if (is_abandoned) {
    end(TaskState::cancelled, make_error(ErrorCode::task_cancelled, "the caller hung up"), nullptr,
        nullptr);
    return;
  }
  // Nobody looks any more: a row that waits needs no actor, unless it was given back meanwhile:
  // then it may have a budget, which is told to an actor only.
  const bool is_idle_row = x_setup.entry == TaskEntry::backlog && x_returned_at == WallTime{};
  if (!is_idle_row || !x_listeners.empty() || x_place != Place::queued) return;
  x_place = Place::unwatching;
  x_self->send(x_setup.profile, UnwatchTurn{task.id, x_self});
}

void TaskRun::unwatched() {
  if (x_end) return;
  const bool has_its_turn = x_place != Place::unwatching;
  if (!has_its_turn) x_place = Place::queued;
  if (has_its_turn || !x_listeners.empty()) {
    watch_turn();
    return;
  }
  x_is_retiring = true;
  x_self->send(x_setup.house->broker, TaskActorGone{x_setup.task->id, x_setup.profile});
}

// -- what everything uses
// -------------------------------------------------------------------------------------------

void TaskRun::write(StoreWrite&& message, bool wants_answer) {
  if (wants_answer) {
    message.client = x_self;
    ++x_writes_out;
  }
  x_self->send(x_setup.house->store, std::move(message));
}

void TaskRun::move(MoveTask&& move, bool wants_answer) {
  move.id = x_setup.task->id;
  move.at = wall();
  const bool is_end = is_terminal(move.to);
  if (applies(*x_setup.task, move)) {
    auto moved = std::make_shared<Task>(*x_setup.task);
    apply(*moved, move);
    x_setup.task = std::move(moved);
  }
  write({std::move(move), {}, end_cookie}, wants_answer);
  // The end is told when it is durable.
  if (!is_end) tell_observers_moved();
}

WallTime TaskRun::moved_at() const {
  const Task& task = *x_setup.task;
  if (task.state == TaskState::running) return task.stream_started_at;
  if (task.state == TaskState::claimed) return task.claimed_at;
  return x_returned_at == WallTime{} ? task.created_at : x_returned_at;
}

void TaskRun::note_row() {
  if (!x_setup.house->metrics) return;
  x_self->send(x_setup.house->metrics, CallChanged{std::make_shared<const CallRow>(x_row)});
}

Instant TaskRun::now() const {
  return x_self->clock().now();
}

CallFacts TaskRun::facts() const {
  return {x_setup.task->id,    x_setup.task->profile, x_setup.task->priority,
          x_row.queue_wait_ms, x_row.backend,         x_setup.task->attempts};
}

TaskActor::behavior_type TaskRun::make_behavior(TaskSetup setup) {
  x_setup = std::move(setup);
  enter();
  // What every task gets comes first: CAF tries them in order.
  return {
      sent([this](StoreAnswer& message) { stored(message); }),
      sent([this](TurnReserved) { reserved(); }),
      sent([this](TurnGranted& message) { granted(message); }),
      sent([this](BackendReport& message) { report(message); }),
      sent([this](Retire) { x_self->quit(); }),
      [this](YieldTurn) { yield_slot(); },
      [this](LeaseGranted& message) { acquired(message); },
      [](const LeaseParked&) {},
      [](const LeaseStillParked&) {},
      [this](const LeaseRefused& message) { lease_refused(message); },
      [this](TurnRefused& message) { refused(std::move(message.error)); },
      [this](LeftProfile) {
        x_place = Place::left;
        retire_when_done();
      },
      [this](TurnUnwatched) { unwatched(); },
      [this](LeaseWithdrawn) {
        x_is_acquiring = false;
        retire_when_done();
      },
      [this](const BudgetExpired& message) {
        if (!x_end) expired(message);
      },
      [this](const RetryTick& message) {
        // It may have yielded its slot meanwhile.
        if (message.epoch == x_epoch && !x_end && x_place == Place::slot) claim();
      },
      [this](const AbortTick& message) { abort_unconfirmed(message.epoch); },
      [this](const AddListener& message) { add_listener(message); },
      [this](const RemoveListener& message) { remove_listener(message); },
      [this](EndTask& message) { end_by_order(message); },
      [this](ShelveTask) {
        shelve();
        return Done{};
      },
  };
}

TaskActor::behavior_type task_actor(TaskActor::stateful_pointer<TaskRun> self, TaskSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
