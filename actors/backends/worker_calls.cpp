// The session's calls: out over the channel, back by chunks and results; and its wakes.
#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/worker_session_actor.hpp"
#include "core/backends/answer_bound.hpp"
#include "core/base/event_text.hpp"

namespace signalbox::actors {
namespace {

WorkerReply refusal(Error error) {
  WorkerReply reply;
  reply.error = std::move(error);
  return reply;
}

WorkerReply stale() {
  return refusal(
      make_error(ErrorCode::stale_claim, "the task is not, or no longer, this session's"));
}

Error too_long(ErrorCode code) {
  return make_error(
      code, "the worker's answer is larger than " + std::to_string(answer_bytes_max) + " bytes");
}

}  // namespace

void WorkerSessionState::run(const RunTask& message) {
  const Task& task = *message.task;
  if (!x_session->is_open()) {
    x_self->send(message.reply_to,
                 BackendReport{message.epoch, BackendLost{true, "its worker has just gone"}, {}});
    return;
  }
  x_session->hold({task.id, message.epoch, task.attempts, message.llm});
  Call& call = x_calls[task.id];
  call = Call{};
  call.task = message.task;
  call.epoch = message.epoch;
  call.reply_to = message.reply_to;
  WorkerFrame::Infer infer;
  infer.task = message.task;
  infer.request = message.request;
  infer.llm = message.llm;
  infer.model = message.model;
  infer.attempt = task.attempts;
  send_frame(std::move(infer));
}

void WorkerSessionState::abort(const AbortTask& message) {
  const auto place = x_calls.find(message.task);
  if (place == x_calls.end() || place->second.epoch != message.epoch) return;
  BackendFailed aborted;
  aborted.error = make_error(ErrorCode::backend_stream_failed, "aborted");
  give_up(message.task, std::move(aborted));
}

void WorkerSessionState::give_up(TaskId task, BackendFailed failure) {
  const Call& call = x_calls.at(task);
  x_self->send(call.reply_to, BackendReport{call.epoch, std::move(failure), {}});
  x_calls.erase(task);
  x_session->release(task);
  send_frame(WorkerFrame::Cancel{task});
}

void WorkerSessionState::give_back_all(bool is_clean, const std::string& reason) {
  for (const HeldTask& held : x_session->take_held()) {
    const Call& call = x_calls.at(held.id);
    x_self->send(call.reply_to, BackendReport{held.epoch, BackendLost{is_clean, reason}, {}});
  }
  x_calls.clear();
}

WorkerReply WorkerSessionState::take_chunks(const WorkerChunks& message) {
  hear();
  if (x_session->find(message.task, message.attempt) == nullptr) return stale();
  Call& call = x_calls.at(message.task);
  for (const std::string& data : message.data) call.answer_bytes += data.size();
  if (call.answer_bytes > answer_bytes_max) {
    ++x_failed;
    BackendFailed failure;
    failure.error = too_long(ErrorCode::backend_error);
    give_up(message.task, std::move(failure));
    return refusal(too_long(ErrorCode::body_too_large));
  }
  if (!call.joiner) {
    call.joiner = x_setup.make_joiner(call.task->kind);
    x_self->send(call.reply_to,
                 BackendReport{call.epoch, BackendBegan{200, std::string{event_stream_type}}, {}});
  }
  BackendEvents events;
  events.count = 0;
  std::string bytes;
  for (const std::string& data : message.data) {
    if (data == done_data) continue;
    call.joiner->add(data);
    append_event(bytes, data);
    ++events.count;
  }
  // A caller who asked for no stream gets the body at the end.
  if (!call.task->streaming || events.count == 0) return {};
  events.data = make_bytes(std::move(bytes));
  events.received_at = message.received_at;
  x_self->send(call.reply_to, BackendReport{call.epoch, std::move(events), {}});
  return {};
}

// What it did not hold: a repeat of what was accepted, also before a restart, or too late.
WorkerReply WorkerSessionState::reply_to_stranger(TaskId task) const {
  const auto loaded = x_setup.ports.store->load(task);
  if (loaded.has_error()) return refusal(loaded.error());
  if (!loaded->has_value()) return stale();
  const Task& row = **loaded;
  const bool is_mine = row.claimed_by == x_setup.registration.session.to_string();
  const bool is_result =
      row.state == TaskState::completed ||
      (row.state == TaskState::error && row.error_code == ErrorCode::backend_error);
  if (!is_mine || !is_result) return stale();
  WorkerReply reply;
  reply.is_duplicate = true;
  return reply;
}

caf::result<WorkerReply> WorkerSessionState::take_result(WorkerResult& message) {
  hear();
  if (const auto wake = x_session->end_wake(message.task)) return take_wake_result(*wake, message);
  if (const auto place = x_results.find(message.task); place != x_results.end()) {
    auto promise = x_self->make_response_promise<WorkerReply>();
    place->second.push_back(promise);
    return promise;
  }
  if (x_session->find(message.task, message.attempt) == nullptr) {
    return reply_to_stranger(message.task);
  }
  const auto place = x_calls.find(message.task);
  Call& call = place->second;
  BackendReport report;
  report.epoch = call.epoch;
  report.receipt = x_self;
  if (auto* whole = std::get_if<WorkerResult::Whole>(&message.outcome)) {
    report.event = BackendFinished{whole->status, whole->content_type, whole->body, nullptr,
                                   message.received_at};
  } else if (auto* failed = std::get_if<BackendFailed>(&message.outcome)) {
    report.event = std::move(*failed);
  } else if (call.joiner) {
    report.event =
        BackendFinished{200, std::string{event_stream_type}, make_bytes(call.joiner->body()),
                        make_bytes("data: [DONE]\n\n"), message.received_at};
  } else {
    return refusal(make_error(ErrorCode::invalid_request,
                              "done comes after chunks; an answer without them is status and body")
                       .at_param("done"));
  }
  const bool is_failure = std::holds_alternative<BackendFailed>(report.event);
  ++(is_failure ? x_failed : x_done);
  x_self->send(call.reply_to, std::move(report));
  x_calls.erase(place);
  x_session->release(message.task);
  auto promise = x_self->make_response_promise<WorkerReply>();
  x_results[message.task].push_back(promise);
  return promise;
}

// The first who brought it is told the outcome, whoever repeated it meanwhile that it is a repeat.
void WorkerSessionState::result_stored(const ResultStored& message) {
  const auto place = x_results.find(message.task);
  if (place == x_results.end()) return;
  WorkerReply reply;
  reply.error = message.error;
  for (ReplyPromise& promise : place->second) {
    promise.deliver(reply);
    reply.is_duplicate = message.error.code == ErrorCode::none;
  }
  x_results.erase(place);
}

// -- wake ----------------------------------------------------------------------------------------

void WorkerSessionState::wake(const WakeLlm& message) {
  const TaskId id{x_setup.ports.ids->next()};
  if (!x_session->begin_wake(message.llm, id, now())) return;
  send_frame(WorkerFrame::Wake{id, message.llm});
  set_timer();
}

WorkerReply WorkerSessionState::take_wake_result(const Wake& wake, const WorkerResult& message) {
  if (const auto* failed = std::get_if<BackendFailed>(&message.outcome)) {
    x_self->send(
        x_setup.house.directory,
        WakeFailed{wake.llm,
                   make_error(ErrorCode::wake_failed,
                              "\"" + wake.llm + "\" could not be woken: " + failed->error.message)
                       .with("llm", wake.llm)});
    return {};
  }
  x_session->set_status(wake.llm, LlmStatus::active);
  publish();
  return {};
}

void WorkerSessionState::fail_wakes() {
  const bool is_gone = !x_session->is_open();
  for (const Wake& wake : x_session->take_failed_wakes(now())) {
    const ErrorCode code = is_gone ? ErrorCode::wake_failed : ErrorCode::wake_timeout;
    const std::string why = is_gone ? "its worker went away" : "it did not answer in time";
    x_self->send(
        x_setup.house.directory,
        WakeFailed{wake.llm, make_error(code, "\"" + wake.llm + "\" could not be woken: " + why)
                                 .with("llm", wake.llm)});
  }
}

}  // namespace signalbox::actors
