// The task's end: stored first, announced then, and only then does its actor retire.
#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/tasks/task_actor.hpp"

namespace signalbox::actors {
namespace {

/// What the row keeps of a backend's error when it is asked for later.
constexpr std::size_t stored_message_max = 4096;

}  // namespace

void TaskRun::end(TaskState state, Error error, Bytes body, Bytes tail) {
  SIGNALBOX_ASSERT(!x_end);
  x_end = End{std::move(error), std::move(body), std::move(tail)};
  x_row.status = call_status_for(x_end->error.code);
  x_row.finished_at = wall();
  x_row.attempts = x_setup.task->attempts;
  x_row.total_latency_ms = to_fractional_ms(now() - x_queued_at);
  if (x_admitted_at) {
    x_row.service_time_ms = to_fractional_ms(now() - *x_admitted_at);
  } else {
    x_row.queue_wait_ms =
        std::max(x_row.queue_wait_ms, 0.0) + to_fractional_ms(now() - x_waits_since);
  }
  if (x_end->error.code != ErrorCode::none) {
    x_row.error_kind = to_string(x_end->error.code);
    x_row.error_detail = x_end->error.message.substr(0, stored_message_max);
  }
  note_row();

  x_end->state = state;
  if (x_is_inserted) store_end();
  if (!x_is_inserted || x_setup.is_relaxed) announce();
  let_go();
}

void TaskRun::store_end() {
  MoveTask last;
  last.from = {TaskState::pending, TaskState::claimed, TaskState::running};
  last.to = x_end->state;
  last.error_code = x_end->error.code;
  last.error_message = x_row.error_detail;
  // A 4xx that is not passed on, from the middle of a stream, would be when it is read again.
  const std::int32_t status = backend_status_of(x_end->error);
  const bool is_passed_on = status != 0 && status == x_end->error.backend_status;
  if (is_passed_on || status >= 500) last.backend_status = status;
  last.response = x_end->body;
  if (x_end->body) last.response_type = x_content_type;
  move(std::move(last), true);
}

// The store refused the claim, which nobody waited for, and takes writes again: a row that was
// never claimed cannot be completed.
bool TaskRun::claim_again(const StoreResult& result) {
  const bool is_unclaimed =
      result.outcome == StoreResult::Outcome::conflict && result.task->state == TaskState::pending;
  if (!is_unclaimed || x_has_claimed_again) return false;
  x_has_claimed_again = true;
  MoveTask claimed;
  claimed.id = x_setup.task->id;
  claimed.from = {TaskState::pending};
  claimed.to = TaskState::claimed;
  claimed.claimed_by = x_setup.task->claimed_by;
  claimed.backend = x_setup.task->backend;
  claimed.new_epoch = x_epoch;
  claimed.at = x_setup.task->claimed_at;
  write({std::move(claimed), {}, end_cookie}, false);
  store_end();
  return true;
}

void TaskRun::stored(StoreAnswer& message) {
  --x_writes_out;
  if (message.cookie == insert_cookie) {
    inserted(message.result);
  } else if (message.result.outcome == StoreResult::Outcome::failed) {
    // The end is not on the disk: say so instead of the answer. The next start finds the task and
    // runs it again.
    tell_receipt(message.result.error);
    if (!x_is_announced) x_end->error = std::move(message.result.error);
    announce();
  } else if (!claim_again(message.result)) {
    tell_receipt({});
    announce();
  }
  retire_when_done();
}

void TaskRun::inserted(const StoreResult& result) {
  switch (result.outcome) {
    case StoreResult::Outcome::applied:
      break;
    case StoreResult::Outcome::conflict:
      hand_over_to_key_owner(result);
      return;
    case StoreResult::Outcome::missing:
    case StoreResult::Outcome::failed:
      x_is_inserted = false;
      if (!x_end) end(TaskState::error, result.error, nullptr, nullptr);
      return;
  }
  if (x_end || x_is_ready) return;
  if (x_setup.refusal.code != ErrorCode::none) {
    end(TaskState::error, std::move(x_setup.refusal), nullptr, nullptr);
    return;
  }
  if (!x_setup.is_async) {
    x_self->send(x_setup.profile, EnqueueTurn{x_setup.task->id});
    return;
  }
  if (x_setup.task->queue_wait_ms == 0) {
    hand_over_to_backlog();
  } else {
    x_self->send(x_setup.profile, EnqueueTurn{x_setup.task->id});
  }
  // Only now: who asks next for its place in the queue finds it there.
  for (const auto& listener : x_listeners.all()) {
    x_self->send(listener.handle, TaskAccepted{listener.call, result.task});
  }
}

// From here on it is a row; it gets an actor again when its turn comes or someone watches. The
// broker forgets this one before it may be granted.
void TaskRun::hand_over_to_backlog() {
  x_is_announced = true;
  x_is_retiring = true;
  x_self->send(x_setup.house->broker, TaskActorGone{x_setup.task->id, x_setup.profile});
}

// The key is taken: whoever waits here waits for that task instead, if it asked the same.
void TaskRun::hand_over_to_key_owner(const StoreResult& result) {
  x_is_inserted = false;
  if (x_end) return;
  if (result.task->request_hash != x_setup.task->request_hash) {
    end(TaskState::error,
        make_error(ErrorCode::idempotency_key_reused,
                   "this Idempotency-Key was used before with another body")
            .with("task", result.task->id.to_string()),
        nullptr, nullptr);
    return;
  }
  for (const auto& listener : x_listeners.all()) {
    if (x_setup.is_async) {
      x_self->send(listener.handle, TaskAccepted{listener.call, result.task});
      continue;
    }
    x_self->send(x_setup.house->broker,
                 WatchTask{listener.call, listener.handle, result.task->id, x_setup.task->id});
  }
  x_listeners.all().clear();
  end(TaskState::cancelled, make_error(ErrorCode::task_cancelled, "repeats another task"), nullptr,
      nullptr);
}

void TaskRun::announce() {
  if (x_is_announced) return;
  for (const auto& listener : x_listeners.all()) tell_end(listener);
  x_is_announced = true;
  x_listeners.all().clear();
}

void TaskRun::tell_end(const Listeners::Listener& listener) {
  if (!x_end) return;
  if (!x_is_inserted) {
    x_self->send(listener.handle, TaskRefused{listener.call, facts(), x_end->error});
    return;
  }
  TaskEnded ended;
  ended.call = listener.call;
  ended.facts = facts();
  ended.task = x_setup.task;
  ended.error = x_end->error;
  if (x_end->error.code == ErrorCode::none) {
    ended.body = x_end->body;
    if (listener.has_begun) ended.tail = x_end->tail;
    if (!x_is_announced) ended.received_at = x_received_at;
  }
  x_self->send(listener.handle, std::move(ended));
}

// Whoever brought the result may forget it from here on.
void TaskRun::tell_receipt(Error error) {
  if (!x_receipt) return;
  x_self->send(x_receipt, ResultStored{x_setup.task->id, x_epoch, std::move(error)});
  x_receipt = ResultClient{};
}

// Gives back what it holds, in the order backend, lease, slot: the next call must find the backend
// free.
void TaskRun::let_go() {
  if (x_is_call_open) {
    // One that yields has been told already.
    if (!x_is_yielding) abort_call();
    return;
  }
  give_lease_back();
  if (x_is_acquiring) {
    x_self->send(x_setup.house->directory,
                 WithdrawLease{"task " + x_setup.task->id.to_string(), x_setup.task->pool, x_self});
  }
  if (x_place == Place::slot) {
    x_place = Place::left;
    const bool is_done = x_end && x_end->state == TaskState::completed;
    x_self->send(x_setup.profile, LeaveProfile{x_setup.task->id, {}, x_row.tokens, is_done});
  } else if (x_place == Place::queued || x_place == Place::reserving ||
             x_place == Place::unwatching) {
    x_place = Place::leaving;
    x_self->send(x_setup.profile, LeaveProfile{x_setup.task->id, TurnClient{x_self}});
  }
  retire_when_done();
}

void TaskRun::retire_when_done() {
  const bool is_done = x_is_announced && x_place == Place::left && !x_is_call_open &&
                       !x_is_acquiring && !x_lease && x_writes_out == 0;
  if (!is_done || x_is_retiring) return;
  x_is_retiring = true;
  TaskActorGone gone{x_setup.task->id, {}};
  if (!x_setup.task->attended) gone.stream = x_listeners.held();
  x_self->send(x_setup.house->broker, std::move(gone));
}

}  // namespace signalbox::actors
