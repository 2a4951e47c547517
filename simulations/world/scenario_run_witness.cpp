#include "simulations/world/call_script.hpp"
#include "simulations/world/scenario_run.hpp"

namespace signalbox::sim {

TaskId ScenarioRun::id_of(actors::CallNumber call, const actors::CallFacts& facts) const {
  const auto place = x_calls.find(call);
  return place == x_calls.end() ? facts.task : place->second.task;
}

void ScenarioRun::committed(const StoreOp& op, const StoreResult& result) {
  if (x_checker != nullptr) x_checker->committed(op, result, now());
  const auto* move = std::get_if<MoveTask>(&op);
  if (move == nullptr && !std::holds_alternative<InsertTask>(op)) return;
  if (result.outcome == StoreResult::Outcome::applied) {
    x_recorder.stored(*result.task, now());
  } else if (move != nullptr && is_terminal(move->to) &&
             result.outcome == StoreResult::Outcome::failed) {
    x_recorder.end_not_stored(move->id, now());
  }
}

void ScenarioRun::refused(const actors::TaskRefused& message) {
  if (x_checker != nullptr) x_checker->refused(message, now());
  x_recorder.refused(id_of(message.call, message.facts), message.error, now());
  call_failed(message.call, message.error, now());
}

void ScenarioRun::accepted(const actors::TaskAccepted& message) {
  if (x_checker != nullptr) x_checker->accepted(message, now());
  const auto place = x_calls.find(message.call);
  if (place != x_calls.end()) x_recorder.accepted(place->second.task, message, now());
  x_retries.settled(message.call);
  let_think(message.call);
}

void ScenarioRun::began(const actors::TaskBegan& message) {
  if (x_checker != nullptr) x_checker->began(message, now());
}

void ScenarioRun::data(const actors::TaskData& message) {
  if (x_checker != nullptr) x_checker->data(message, now());
}

void ScenarioRun::ended(const actors::TaskEnded& message) {
  if (x_checker != nullptr) x_checker->ended(message, now());
  x_recorder.ended(id_of(message.call, message.facts), message, now());
  call_failed(message.call, message.error, now());
}

void ScenarioRun::slot_admitted(const actors::SlotAdmitted& message) {
  x_slots.admitted(message);
}

void ScenarioRun::slot_ended(const actors::SlotEnded& message) {
  x_slots.ended(message);
  let_think(message.call);
}

actors::Playback ScenarioRun::play(const BackendSpec& backend, const BackendCall& call) {
  const EndedTask* task = x_recorder.find(call.task);
  const CallSize size = task != nullptr ? task->size : CallSize{};
  const Duration time = x_works.at(backend.name).begin(call.model, size);
  const Fault* fault = x_faults.meet(backend.name, now());
  if (x_checker != nullptr) x_checker->given(call.task, backend, time, fault, now());
  actors::Playback playback = script_call(time, size, call.streaming, fault);
  if (fault != nullptr && fault->kind == FaultKind::wrong_usage) {
    const auto tokens = static_cast<std::uint64_t>(fault->amount);
    say_usage(playback, tokens, tokens);
  } else if (backend.reports_usage) {
    say_usage(playback, size.tokens_in, size.tokens_out);
  }
  return playback;
}

void ScenarioRun::died(Death death) {
  const Error lost = make_error(ErrorCode::backend_unreachable, "the connection broke");
  for (const actors::CallNumber call : x_retries.open()) {
    x_recorder.abandoned(x_calls.at(call).task);
    call_failed(call, lost, now());
  }
  for (const actors::CallNumber call : x_users.calls()) let_think(call);
  x_recorder.died(now());
  x_slots.died();
  if (x_checker != nullptr) x_checker->died(death, now());
  x_agenda.add(now() + x_faults.downtime(), {AgendaItem::Kind::restart, 0});
}

void ScenarioRun::recovered(const ObservedStore& store) {
  for (const TaskId task : x_recorder.open_tasks()) {
    const auto row = store.load(task);
    if (row.has_value() && row->has_value() && is_terminal((*row)->state)) {
      x_recorder.stored(**row, now());
    }
  }
  if (x_checker != nullptr) x_checker->recovered(store, now());
}

}  // namespace signalbox::sim
