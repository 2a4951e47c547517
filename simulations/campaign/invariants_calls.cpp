// What callers are told: once, the truth, and nothing after it (I1, I10, I11).
#include <algorithm>

#include "simulations/campaign/invariants.hpp"

namespace signalbox::sim {
namespace {

std::string name_of(const CallPicture& call) {
  return "call " + std::to_string(call.made.number);
}

}  // namespace

CallPicture* Invariants::hear(actors::CallNumber number, const char* what) {
  const auto place = x_calls.find(number);
  if (place == x_calls.end()) {
    require(false, 11, "call " + std::to_string(number) + " was never made and was told " + what);
    return nullptr;
  }
  CallPicture& call = place->second;
  if (call.is_answered) {
    require(false, 11, name_of(call) + " was answered and then told " + what);
    return nullptr;
  }
  // What was on its way when the caller left may still come.
  if (call.hung_up_at && *call.hung_up_at < x_now) {
    require(false, 11, name_of(call) + " was told " + what + " though its caller had left");
    return nullptr;
  }
  return &call;
}

void Invariants::answer(CallPicture& call, TaskId task) {
  call.is_answered = true;
  x_unanswered.erase(call.made.number);
  meet(call, task);
}

void Invariants::meet(const CallPicture& call, TaskId met) {
  if (call.made.idempotency_key.empty() || met == call.made.task) return;
  const auto task = x_tasks.find(met);
  if (task == x_tasks.end()) {
    require(false, 10, name_of(call) + " was told of a task that is not stored");
    return;
  }
  require(task->second.row->idempotency_hash == call.made.idempotency_key, 10,
          name_of(call) + " was told of a task with another key");
  const auto first = x_call_of.find(met);
  const bool is_crossing = first != x_call_of.end() && x_calls.at(first->second).at == call.at;
  if (is_crossing) hit(Probe::duplicate_crossed_first);
}

void Invariants::refused(const actors::TaskRefused& message, Duration now) {
  pass_time(now);
  CallPicture* call = hear(message.call, "that it is refused");
  if (call == nullptr) return;
  answer(*call, call->made.task);
  require(!x_tasks.contains(call->made.task), 1,
          name_of(*call) + " was refused, and its task is stored");
  if (message.error.code == ErrorCode::draining) {
    hit(Probe::refused_while_draining);
    require(x_is_draining, 1, name_of(*call) + " was refused though nothing drains");
  }
  if (message.error.code != ErrorCode::queue_full) return;
  hit(Probe::queue_full);
  call->met_full_line = true;
  const ClientSpec& client = x_scenario.clients[call->made.client];
  x_refusals.push_back({name_of(*call), client.profile, client.priority});
}

void Invariants::accepted(const actors::TaskAccepted& message, Duration now) {
  pass_time(now);
  CallPicture* call = hear(message.call, "that it is accepted");
  if (call == nullptr) return;
  require(!call->is_accepted, 11, name_of(*call) + " was accepted twice");
  call->is_accepted = true;
  x_unanswered.erase(message.call);
  meet(*call, message.task->id);
  require(x_scenario.clients[call->made.client].is_async, 1,
          name_of(*call) + " waits for its answer and was told an id");
  require(x_tasks.contains(message.task->id), 10,
          name_of(*call) + " was accepted, and nothing is stored");
}

void Invariants::began(const actors::TaskBegan& message, Duration now) {
  pass_time(now);
  if (CallPicture* call = hear(message.call, "that it began")) call->has_begun = true;
}

void Invariants::data(const actors::TaskData& message, Duration now) {
  pass_time(now);
  hear(message.call, "a part of its answer");
}

void Invariants::ended(const actors::TaskEnded& message, Duration now) {
  pass_time(now);
  CallPicture* call = hear(message.call, "its end");
  if (call == nullptr) return;
  answer(*call, message.facts.task);
  const auto task = x_tasks.find(message.facts.task);
  const bool is_unkept = message.error.code == ErrorCode::store_failed ||
                         message.error.code == ErrorCode::store_full ||
                         x_scenario.commit == CommitMode::relaxed;
  if (is_unkept) return;
  const bool is_stored = task != x_tasks.end() && is_terminal(task->second.row->state);
  require(is_stored, 10, name_of(*call) + " was told an end that is not stored");
  if (!is_stored) return;
  const Task& row = *task->second.row;
  require(row.error_code == message.error.code, 10,
          name_of(*call) + " was told " + std::string{to_string(message.error.code)} +
              ", stored is " + std::string{to_string(row.error_code)});
}

void Invariants::check_answers() {
  for (const actors::CallNumber number : x_unanswered) {
    require(false, 1, name_of(x_calls.at(number)) + " was never told its end");
  }
}

}  // namespace signalbox::sim
