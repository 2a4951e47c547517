// The task's attempts: claim a backend, pass on what it says, and decide what follows a failure.
#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/task_actor.hpp"
#include "core/attempts.hpp"

namespace signalbox::actors {

void TaskRun::claim() {
  const Lease& lease = *x_lease;
  x_epoch = (Epoch{x_setup.boot_counter} << 32U) | lease.number;
  MoveTask claimed;
  claimed.from = {TaskState::pending, TaskState::claimed, TaskState::running};
  claimed.to = TaskState::claimed;
  claimed.claimed_by = lease.llm;
  claimed.backend = lease.llm;
  claimed.new_epoch = x_epoch;
  move(std::move(claimed), false);

  RunTask run;
  run.epoch = x_epoch;
  run.task = std::make_shared<const Task>(x_setup.task);
  run.request = x_setup.request;
  run.model = lease.model;
  run.reply_to = x_self;
  x_is_call_open = true;
  x_self->send(x_executor, std::move(run));

  x_row.backend = lease.llm;
  x_row.attempts = x_setup.task.attempts;
  x_row.status = CallStatus::running;
  x_row.started_http_at = wall();
  note_row();
}

void TaskRun::report(BackendReport& message) {
  if (message.epoch != x_epoch || !x_is_call_open) return;
  if (auto* finished_event = std::get_if<BackendFinished>(&message.event)) {
    x_is_call_open = false;
    x_end ? let_go() : finished(*finished_event);
  } else if (auto* failed_event = std::get_if<BackendFailed>(&message.event)) {
    x_is_call_open = false;
    x_end ? let_go() : failed(*failed_event);
  } else if (x_end) {
    return;
  } else if (const auto* began_event = std::get_if<BackendBegan>(&message.event)) {
    began(*began_event);
  } else if (const auto* events = std::get_if<BackendEvents>(&message.event)) {
    pass_on(*events);
  }
}

void TaskRun::began(const BackendBegan& event) {
  x_has_begun = true;
  x_content_type = event.content_type;
  x_row.first_token_at = wall();
  MoveTask running;
  running.from = {TaskState::claimed};
  running.epoch = x_epoch;
  running.to = TaskState::running;
  move(std::move(running), false);
  for (auto& listener : x_listeners.all()) begin_stream_for(listener);
  note_row();
}

void TaskRun::pass_on(const BackendEvents& event) {
  if (keeps_stream()) x_listeners.hold(event.data);
  for (const auto& listener : x_listeners.all()) {
    if (listener.has_begun) x_self->send(listener.handle, TaskData{listener.call, event.data});
  }
}

void TaskRun::finished(BackendFinished& event) {
  x_content_type = event.content_type;
  end(TaskState::completed, Error{}, std::move(event.body), std::move(event.tail));
}

void TaskRun::failed(BackendFailed& event) {
  x_failed_llms.push_back(x_lease->llm);
  const FailedAttempt attempt{x_setup.task.attempts, x_setup.max_attempts, event.retryable,
                              x_listeners.has_reader()};
  if (!should_retry(attempt)) {
    end(TaskState::error, std::move(event.error), nullptr, nullptr);
    return;
  }
  retry_after_failure();
}

// The slot is kept: the caller's turn has come, only the backend changes.
void TaskRun::retry_after_failure() {
  x_has_begun = false;
  x_listeners.forget_held();
  x_self->send(x_setup.house.directory, ReleaseLease{std::move(*x_lease)});
  x_lease.reset();
  x_is_acquiring = true;
  AcquireLease acquire;
  acquire.request.requester = "task " + x_setup.task.id.to_string();
  acquire.request.target = x_setup.task.pool;
  acquire.request.priority = x_setup.task.priority;
  acquire.request.avoid = x_failed_llms;
  acquire.request.accept_inactive = true;
  acquire.client = x_self;
  x_self->send(x_setup.house.directory, std::move(acquire));
}

void TaskRun::acquired(LeaseGranted& message) {
  x_is_acquiring = false;
  x_lease = std::move(message.lease);
  x_executor = std::move(message.executor);
  if (x_end) {
    let_go();
    return;
  }
  const bool is_repeat =
      std::find(x_failed_llms.begin(), x_failed_llms.end(), x_lease->llm) != x_failed_llms.end();
  if (!is_repeat) {
    claim();
    return;
  }
  x_self->delayed_send(x_self, back_off(x_setup.task.attempts), RetryTick{x_epoch});
}

}  // namespace signalbox::actors
