// The task's attempts: claim a backend, pass on what it says, and decide what follows a failure.
#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

#include "actors/tasks/task_actor.hpp"
#include "core/backends/circuit_breaker.hpp"
#include "core/backends/timed_out_call.hpp"
#include "core/base/crash_point.hpp"
#include "core/tasks/attempt_log.hpp"
#include "core/tasks/attempts.hpp"

namespace signalbox::actors {
namespace {

/// How often a row tells that a stream goes on.
constexpr std::chrono::seconds progress_interval{1};

}  // namespace

void TaskRun::claim() {
  if (x_is_shelved) return;
  const Lease& lease = *x_lease;
  x_claimed_at = now();
  x_epoch = (Epoch{x_setup.boot_counter} << 32U) | lease.number;
  MoveTask claimed;
  claimed.from = {TaskState::pending, TaskState::claimed, TaskState::running};
  claimed.to = TaskState::claimed;
  claimed.claimed_by = lease.holder;
  claimed.backend = lease.llm;
  if (x_last_failure) claimed.error_code = x_last_failure->code;
  claimed.new_epoch = x_epoch;
  move(std::move(claimed), false);

  RunTask run;
  run.epoch = x_epoch;
  run.task = x_setup.task;
  run.request = x_setup.request;
  run.llm = lease.llm;
  run.model = lease.model;
  run.executor = lease.executor;
  run.reply_to = x_self;
  x_is_call_open = true;
  x_self->send(x_executor, std::move(run));

  x_row.backend = lease.llm;
  x_row.attempts = x_setup.task->attempts;
  x_row.status = CallStatus::running;
  x_row.started_http_at = wall();
  note_row();
}

void TaskRun::report(BackendReport& message) {
  if (message.epoch != x_epoch || !x_is_call_open) {
    if (message.receipt) refuse_receipt(message);
    return;
  }
  // Of a call that was told to stop only the end counts.
  const bool is_stopped = x_end || x_is_yielding;
  if (const auto* began_event = std::get_if<BackendBegan>(&message.event)) {
    if (!is_stopped) began(*began_event);
    return;
  }
  if (const auto* events = std::get_if<BackendEvents>(&message.event)) {
    if (!is_stopped) pass_on(*events);
    return;
  }
  x_is_call_open = false;
  if (x_end) {
    // It was only late.
    if (std::holds_alternative<BackendFinished>(message.event))
      x_lease_outcome = LeaseOutcome::untold;
    if (message.receipt) refuse_receipt(message);
    let_go();
    return;
  }
  x_receipt = std::move(message.receipt);
  if (auto* finished_event = std::get_if<BackendFinished>(&message.event)) {
    finished(*finished_event);
  } else if (x_is_yielding) {
    yielded();
  } else if (auto* failed_event = std::get_if<BackendFailed>(&message.event)) {
    failed(*failed_event);
  } else if (const auto* lost_event = std::get_if<BackendLost>(&message.event)) {
    lost(*lost_event);
  }
}

void TaskRun::refuse_receipt(const BackendReport& message) {
  x_self->send(message.receipt,
               ResultStored{x_setup.task->id, message.epoch,
                            make_error(ErrorCode::stale_claim, "the task has ended otherwise")});
}

void TaskRun::began(const BackendBegan& event) {
  x_has_begun = true;
  x_content_type = event.content_type;
  x_row.first_token_at = wall();
  x_row_due = now() + progress_interval;
  MoveTask running;
  running.from = {TaskState::claimed};
  running.epoch = x_epoch;
  running.to = TaskState::running;
  move(std::move(running), false);
  for (auto& listener : x_listeners.all()) {
    if (!listener.is_observer && x_setup.task->streaming) begin_stream_for(listener);
  }
  note_row();
}

void TaskRun::pass_on(const BackendEvents& event) {
  crash_point("task.mid_stream");
  count_tokens(event.count);
  const std::uint64_t first = x_listeners.hold(event.data, event.count, keeps_stream());
  for (const auto& listener : x_listeners.all()) {
    if (!listener.is_observer && !listener.has_begun) continue;
    x_self->send(listener.handle, TaskData{listener.call, event.data, first, event.received_at});
  }
}

// Whoever looks on shall see it grow; a message for each token would cost more than the token.
void TaskRun::count_tokens(std::uint32_t count) {
  x_row.tokens.out = x_row.tokens.out.value_or(0) + count;
  if (now() < x_row_due) return;
  x_row_due = now() + progress_interval;
  note_row();
}

void TaskRun::finished(BackendFinished& event) {
  const TokenUsage counted = event.body ? read_token_usage(*event.body) : TokenUsage{};
  if (counted.in) x_row.tokens.in = counted.in;
  if (counted.out) x_row.tokens.out = counted.out;
  x_content_type = event.content_type;
  x_received_at = event.received_at;
  x_lease_outcome = LeaseOutcome::succeeded;
  end(TaskState::completed, Error{}, std::move(event.body), std::move(event.tail));
}

void TaskRun::failed(BackendFailed& event) {
  x_failed_llms.push_back(x_lease->llm);
  if (counts_against_backend(event)) x_lease_outcome = LeaseOutcome::failed;
  const FailedAttempt attempt{counted_attempts(*x_setup.task), x_setup.max_attempts,
                              event.retryable, x_listeners.has_reader()};
  // An agent's pool is tried member by member, whatever the failure.
  const bool tries_members = !x_setup.task->agent.empty() && !attempt.has_reader;
  if (!should_retry(attempt) && !tries_members) {
    end(TaskState::error, std::move(event.error), nullptr, nullptr);
    return;
  }
  const bool only_others = !should_retry(attempt);
  x_last_failure = std::move(event.error);
  tell_receipt({});
  retry_elsewhere(only_others);
}

// Whoever ran it is gone. A caller who saw a part of the answer cannot be given another beginning.
void TaskRun::lost(const BackendLost& event) {
  const bool is_loss = !event.is_clean;
  if (is_loss) x_lease_outcome = LeaseOutcome::failed;
  if (x_setup.task->attended && x_listeners.has_reader()) {
    end(TaskState::error,
        make_error(ErrorCode::backend_stream_failed,
                   "the worker went away in the middle of the answer: " + event.reason),
        nullptr, nullptr);
  } else if (is_loss && x_setup.task->losses + 1 >= x_setup.max_attempts) {
    end(TaskState::error,
        make_error(ErrorCode::worker_lost,
                   std::to_string(x_setup.max_attempts) +
                       " workers went away with the task, the last: " + event.reason),
        nullptr, nullptr);
  } else {
    requeue(is_loss ? Return::lost : Return::given_back);
  }
}

void TaskRun::judge_timeout() {
  // One that was told to stop for another call is silent because of that.
  if (!x_is_call_open || x_is_yielding) return;
  const TimedOutCall call{x_has_begun, now() - x_claimed_at};
  if (counts_against_backend(call)) x_lease_outcome = LeaseOutcome::failed;
}

// The next lease is of another call, and may come back before there is one.
void TaskRun::give_lease_back() {
  const LeaseOutcome outcome = std::exchange(x_lease_outcome, LeaseOutcome::untold);
  if (x_lease && !x_lease->llm.empty()) {
    x_self->send(x_setup.house->directory, ReleaseLease{std::move(*x_lease), outcome});
  }
  x_lease.reset();
}

// What was said so far does not count any more.
void TaskRun::forget_attempt() {
  const bool had_events = x_listeners.has_events();
  x_has_begun = false;
  x_row.tokens = {};
  x_row.first_token_at = WallTime{};
  x_listeners.forget_held();
  for (auto& listener : x_listeners.all()) {
    listener.has_begun = false;
    if (had_events && listener.is_observer) {
      x_self->send(listener.handle, TaskReset{listener.call, x_setup.task});
    }
  }
}

// The slot goes to others meanwhile; its place in the queue is the old one.
void TaskRun::requeue(Return why) {
  give_lease_back();
  x_returned_at = wall();
  put_back(why);
  forget_attempt();
  x_place = Place::queued;
  x_admitted_at.reset();
  x_waits_since = now();
  x_row.status = CallStatus::queued;
  x_row.preemptions = x_setup.task->preemptions;
  note_row();
  const bool is_waited_for = x_setup.task->attended && x_listeners.has_callers();
  const auto queue_wait =
      std::chrono::milliseconds{is_waited_for ? x_setup.task->queue_wait_ms : 0};
  x_self->send(x_setup.profile,
               RequeueTurn{x_setup.task->id, queue_wait, why == Return::preempted});
}

// The broker stops in good order: at the next start the task waits, and its attempt was nobody's
// fault. Between two attempts it holds its claim as well.
void TaskRun::shelve() {
  if (x_end || x_is_shelved) return;
  x_is_shelved = true;
  if (x_is_call_open) {
    x_is_call_open = false;
    x_self->send(x_executor, AbortTask{x_setup.task->id, x_epoch});
  }
  if (x_place == Place::slot) put_back(Return::given_back);
}

void TaskRun::put_back(Return why) {
  MoveTask back;
  back.from = {TaskState::claimed, TaskState::running};
  back.to = TaskState::pending;
  back.lost = why == Return::lost;
  back.preempted = why == Return::preempted;
  move(std::move(back), false);
}

// The slot is kept: the caller's turn has come, only the backend changes.
void TaskRun::retry_elsewhere(bool only_others) {
  forget_attempt();
  give_lease_back();
  x_is_acquiring = true;
  AcquireLease acquire;
  acquire.request.requester = "task " + x_setup.task->id.to_string();
  acquire.request.target = x_setup.task->pool;
  acquire.request.priority = x_setup.task->priority;
  acquire.request.avoid = x_failed_llms;
  acquire.request.only_others = only_others;
  acquire.request.accept_inactive = !only_others;
  if (!x_setup.session.empty()) acquire.request.sessions.push_back({x_setup.session, now()});
  acquire.client = x_self;
  x_self->send(x_setup.house->directory, std::move(acquire));
}

// No other member is left, or the one that is could not be woken: the last failure is the answer.
void TaskRun::lease_refused(const LeaseRefused& message) {
  const bool is_in_line = message.error.code != ErrorCode::none;
  if (!is_in_line) x_is_acquiring = false;
  if (x_end) {
    retire_when_done();
    return;
  }
  end(TaskState::error, x_last_failure ? *x_last_failure : message.error, nullptr, nullptr);
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
  x_self->delayed_send(x_self, back_off(x_setup.task->attempts), RetryTick{x_epoch});
}

}  // namespace signalbox::actors
