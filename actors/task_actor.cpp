// The task's way into a slot, its listeners, and its leaving. Attempts are in task_attempts.cpp,
// ends in task_end.cpp.
#include "actors/task_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "core/task_moves.hpp"

namespace signalbox::actors {

// -- admission
// ------------------------------------------------------------------------------------------------------

void TaskRun::enter() {
  x_queued_at = now();
  const Task& task = x_setup.task;
  x_row.id = task.id.bytes;
  x_row.kind = task.kind;
  x_row.profile = task.profile;
  x_row.priority = task.priority;
  x_row.model = task.model;
  x_row.pool = task.pool;
  x_row.owner = task.owner;
  x_row.description = task.description;
  x_row.request_id = task.request_id;
  x_row.streaming = task.streaming;
  x_row.attempts = task.attempts;
  x_row.queued_at = task.created_at;
  if (x_setup.listener) x_listeners.add(x_setup.listener->call, x_setup.listener->handle);
  if (x_setup.entry == TaskEntry::backlog) {
    x_place = Place::queued;
    x_is_inserted = true;
    x_self->send(x_setup.profile,
                 WatchTurn{task.id, x_self, std::chrono::milliseconds{task.inference_ms}});
    return;
  }
  ReserveTurn reserve;
  reserve.request.id = task.id;
  reserve.request.priority = task.priority;
  reserve.request.target = task.pool;
  reserve.request.counted = task.attended;
  reserve.request.queue_wait = std::chrono::milliseconds{task.queue_wait_ms};
  reserve.request.inference = std::chrono::milliseconds{task.inference_ms};
  // A key may turn out to be another task's: then nothing may run before the store has said so.
  x_is_ready = x_setup.is_relaxed && task.idempotency_hash.empty() && !x_setup.is_async;
  reserve.is_ready = x_is_ready;
  reserve.task = x_self;
  x_self->send(x_setup.profile, std::move(reserve));
}

void TaskRun::reserved() {
  if (x_place == Place::reserving) x_place = Place::queued;
  if (x_end) return;
  x_is_inserted = true;
  write(InsertTask{x_setup.task, x_setup.request}, true, insert_cookie);
  note_row();
}

void TaskRun::refused(Error error) {
  x_place = Place::left;
  if (!x_end) end(TaskState::error, std::move(error), nullptr, nullptr);
  retire_when_done();
}

void TaskRun::granted(TurnGranted& message) {
  x_place = Place::slot;
  x_lease = std::move(message.lease);
  x_executor = std::move(message.executor);
  if (x_end) {
    let_go();
    return;
  }
  x_admitted_at = now();
  x_row.admitted_at = wall();
  x_row.queue_wait_ms = to_fractional_ms(message.queue_wait);
  claim();
}

void TaskRun::expired(const BudgetExpired& message) {
  const Task& task = x_setup.task;
  if (message.code == ErrorCode::inference_timeout) {
    const double budget_s = static_cast<double>(task.inference_ms) / 1e3;
    end(TaskState::error,
        make_error(message.code, "the backend did not finish within the inference budget")
            .with("inference_s", budget_s)
            .with("profile", task.profile),
        nullptr, nullptr);
    return;
  }
  x_place = Place::left;
  const double budget_s = static_cast<double>(task.queue_wait_ms) / 1e3;
  end(TaskState::error,
      make_error(message.code,
                 "no slot of profile " + task.profile + " became free within the queue wait budget")
          .with("profile", task.profile)
          .with("priority", std::string{to_string(task.priority)})
          .with("queue_wait_s", budget_s)
          .retry_after(message.retry_after_s),
      nullptr, nullptr);
}

void TaskRun::end_by_order(Error error) {
  if (x_end) return;
  if (x_is_announced) {
    x_self->send(x_setup.house.broker, OrderEnd{x_setup.task.id, std::move(error)});
    return;
  }
  const auto state =
      error.code == ErrorCode::task_cancelled ? TaskState::cancelled : TaskState::error;
  end(state, std::move(error), nullptr, nullptr);
}

// -- listeners
// ------------------------------------------------------------------------------------------------------

bool TaskRun::keeps_stream() const {
  return !x_setup.task.attended || !x_setup.task.idempotency_hash.empty();
}

void TaskRun::add_listener(const AddListener& message) {
  Listeners::Listener listener{message.call, message.listener};
  if (x_is_announced && !x_end) {
    // It has become a row meanwhile; the broker has heard so before this.
    x_self->send(x_setup.house.broker,
                 WatchTask{message.call, message.listener, x_setup.task.id, TaskId{}});
    return;
  }
  if (x_is_announced) {
    tell_end(listener);
    return;
  }
  x_listeners.add(message.call, message.listener);
  const auto* held = x_listeners.held();
  if (!x_has_begun || !keeps_stream() || held == nullptr) return;
  begin_stream_for(x_listeners.all().back());
  for (const Bytes& data : *held) x_self->send(message.listener, TaskData{message.call, data});
}

void TaskRun::begin_stream_for(Listeners::Listener& listener) {
  listener.has_begun = true;
  x_self->send(listener.handle, TaskBegan{listener.call, facts(), x_content_type});
}

void TaskRun::remove_listener(const RemoveListener& message) {
  if (!x_listeners.remove(message.call, message.listener) || !x_listeners.empty()) return;
  // With a key, the caller may come back for the answer.
  if (keeps_stream() || x_end) return;
  end(TaskState::cancelled, make_error(ErrorCode::task_cancelled, "the caller hung up"), nullptr,
      nullptr);
}

// -- what everything uses
// -------------------------------------------------------------------------------------------

void TaskRun::write(StoreOp op, bool wants_answer, std::uint64_t cookie) {
  StoreWrite message{std::move(op), {}, cookie};
  if (wants_answer) {
    message.client = x_self;
    ++x_writes_out;
  }
  x_self->send(x_setup.house.store, std::move(message));
}

void TaskRun::move(MoveTask move, bool wants_answer) {
  move.id = x_setup.task.id;
  move.at = wall();
  if (applies(x_setup.task, move)) apply(x_setup.task, move);
  write(std::move(move), wants_answer, end_cookie);
}

void TaskRun::note_row() {
  x_self->send(x_setup.house.metrics, CallChanged{std::make_shared<const CallRow>(x_row)});
}

Instant TaskRun::now() const {
  return x_self->clock().now();
}

CallFacts TaskRun::facts() const {
  return {x_setup.task.id,     x_setup.task.profile, x_setup.task.priority,
          x_row.queue_wait_ms, x_row.backend,        x_setup.task.attempts};
}

TaskActor::behavior_type TaskRun::make_behavior(TaskSetup setup) {
  x_setup = std::move(setup);
  enter();
  return {
      [this](LeaseGranted& message) { acquired(message); },
      [](const LeaseParked&) {},
      [this](StoreAnswer& message) { stored(message); },
      [this](TurnReserved) { reserved(); },
      [this](TurnRefused& message) { refused(std::move(message.error)); },
      [this](TurnGranted& message) { granted(message); },
      [this](LeftProfile) {
        x_place = Place::left;
        retire_when_done();
      },
      [this](LeaseWithdrawn) {
        x_is_acquiring = false;
        retire_when_done();
      },
      [this](Retire) { x_self->quit(); },
      [this](const BudgetExpired& message) {
        if (!x_end) expired(message);
      },
      [this](BackendReport& message) { report(message); },
      [this](const RetryTick& message) {
        if (message.epoch == x_epoch && !x_end) claim();
      },
      [this](AbortTick) {
        x_is_call_open = false;
        let_go();
      },
      [this](const AddListener& message) { add_listener(message); },
      [this](const RemoveListener& message) { remove_listener(message); },
      [this](EndTask& message) { end_by_order(std::move(message.error)); },
  };
}

TaskActor::behavior_type task_actor(TaskActor::stateful_pointer<TaskRun> self, TaskSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
