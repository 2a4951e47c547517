// The session's presence: registration, channel, heartbeats, leaving. Its calls are in
// worker_calls.cpp.
#include "actors/backends/worker_session_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/registrar_actor.hpp"

namespace signalbox::actors {
namespace {

/// The directory answers from memory.
constexpr std::chrono::seconds claim_patience{5};

/// A lease granted before the session left finds it at least this long.
constexpr std::chrono::seconds linger{30};

SessionAnswer refusal(Error error) {
  SessionAnswer answer;
  answer.error = std::move(error);
  return answer;
}

Error has_left() {
  return make_error(ErrorCode::session_not_found, "the session has ended: register anew");
}

}  // namespace

Llm WorkerSessionState::make_llm(const OfferedLlm& offered) const {
  Llm llm;
  llm.name = offered.name;
  llm.kind = LlmKind::worker;
  llm.type = offered.type;
  llm.model = offered.model;
  llm.tier = offered.tier;
  llm.pool = offered.pool;
  llm.status = x_session->status_of(offered);
  llm.is_open = x_session->is_open();
  llm.capacity = offered.capacity;
  llm.session = x_setup.registration.session.to_string();
  llm.group = "worker " + llm.session + " " + offered.name;
  llm.last_heartbeat_at = x_last_heartbeat_at;
  llm.inactive_since = llm.status == LlmStatus::inactive ? x_inactive_since : WallTime{};
  return llm;
}

std::vector<Llm> WorkerSessionState::make_llms() const {
  std::vector<Llm> llms;
  for (const OfferedLlm& offered : x_session->llms()) llms.push_back(make_llm(offered));
  return llms;
}

SessionAnswer WorkerSessionState::answer() const {
  SessionAnswer answer;
  SessionStatus& status = answer.status;
  status.session = x_setup.registration.session;
  status.owner = x_setup.registration.owner;
  status.address = x_setup.registration.address;
  status.state = x_session->state();
  status.is_bound = x_session->channel().has_value();
  status.connected_at = x_connected_at;
  status.last_heartbeat_at = x_last_heartbeat_at;
  status.inactive_since = status.state == SessionState::inactive ? x_inactive_since : WallTime{};
  status.llms = make_llms();
  for (const auto& [id, call] : x_calls) {
    for (Llm& llm : status.llms) {
      const HeldTask* held = x_session->find(id, {});
      if (held != nullptr && held->llm == llm.name) ++llm.running;
    }
  }
  status.capacity = x_session->capacity();
  status.in_flight = static_cast<std::uint32_t>(x_session->in_flight());
  status.done = x_done;
  status.failed = x_failed;
  return answer;
}

void WorkerSessionState::publish() {
  // The directory has forgotten it for good.
  if (x_is_leaving) return;
  x_self
      ->request(x_setup.house.directory, claim_patience,
                ClaimLlms{x_setup.id, x_self, make_llms(), false})
      .then([this](const LlmsClaimed& claimed) { x_session->forget_llms(claimed.refused); },
            [](const caf::error&) {});
}

// One timer at a time: it cannot be taken back, and an early one does no harm.
void WorkerSessionState::set_timer() {
  const auto deadline = x_session->next_deadline();
  if (x_is_leaving || !deadline || (x_timer && *x_timer <= *deadline)) return;
  x_timer = deadline;
  const Instant at = now();
  x_self->delayed_send(x_self, *deadline > at ? *deadline - at : Duration::zero(),
                       SessionTick{++x_timer_generation});
}

void WorkerSessionState::tick() {
  if (x_is_leaving) return x_self->quit();
  x_timer.reset();
  const auto channel = x_session->channel();
  if (x_session->expire(now())) {
    x_inactive_since = x_setup.ports.wall->now();
    if (channel) x_self->send(x_channel, ChannelClosed{*channel, {}});
    // Before its tasks look for another: they must not be leased to this one again.
    publish();
    give_back_all(false, "no heartbeat came in time");
  }
  fail_wakes();
  set_timer();
}

void WorkerSessionState::hear() {
  const bool is_back = x_session->hear(now());
  if (is_back) publish();
  set_timer();
}

// -- registration --------------------------------------------------------------------------------

caf::result<SessionAnswer> WorkerSessionState::offer(const RegisterWorker& message) {
  if (x_is_leaving) return refusal(has_left());
  auto promise = x_self->make_response_promise<SessionAnswer>();
  std::vector<Llm> llms;
  for (const OfferedLlm& offered : message.llms) {
    Llm llm = make_llm(offered);
    llm.status = offered.status;
    llms.push_back(std::move(llm));
  }
  x_self
      ->request(x_setup.house.directory, claim_patience,
                ClaimLlms{x_setup.id, x_self, std::move(llms), true})
      .then([this, message,
             promise](const LlmsClaimed& claimed) { offered(message, claimed, promise); },
            [promise](const caf::error& error) mutable { promise.deliver(error); });
  return promise;
}

void WorkerSessionState::offered(const RegisterWorker& message, const LlmsClaimed& claimed,
                                 AnswerPromise promise) {
  if (!claimed.refused.empty()) {
    const std::string& taken = claimed.refused.front();
    promise.deliver(refusal(
        make_error(ErrorCode::name_conflict,
                   "\"" + taken + "\" is the name of an upstream's or another live session's LLM")
            .with("llm", taken)));
    if (x_is_registered) return;
    x_self->send(x_setup.house.registrar, SessionEnded{x_setup.registration.session, x_setup.id});
    x_self->quit();
    return;
  }
  if (x_is_leaving) {
    promise.deliver(refusal(has_left()));
    return;
  }
  x_is_registered = true;
  WorkerRegistration& registration = x_setup.registration;
  registration.address = message.address;
  registration.llms = message.llms;
  registration.registered_at = x_setup.ports.wall->now();
  x_session->offer(message.llms);
  x_last_heartbeat_at = registration.registered_at;
  x_session->hear(now());
  publish();
  set_timer();
  const std::uint64_t cookie = x_next_cookie++;
  x_writes.emplace(cookie, promise);
  x_self->send(x_setup.house.store,
               StoreWrite{PutDocument{worker_documents, registration.session.to_string(),
                                      encode(registration)},
                          x_self, cookie});
}

void WorkerSessionState::written(const StoreAnswer& message) {
  const auto place = x_writes.find(message.cookie);
  if (place == x_writes.end()) return;
  AnswerPromise promise = std::move(place->second);
  x_writes.erase(place);
  const bool has_failed = message.result.outcome == StoreResult::Outcome::failed;
  promise.deliver(has_failed ? refusal(message.result.error) : answer());
}

// One that has nothing left and is not there either is over: its worker registers anew.
void WorkerSessionState::taken(const LlmTaken& message) {
  x_session->forget_llms({message.llm});
  const bool is_empty = x_session->llms().empty() && x_session->state() == SessionState::inactive;
  if (!is_empty || x_is_leaving) return;
  const SessionKey key{x_setup.registration.session, x_setup.registration.owner, true};
  caf::anon_send(WorkerSessionActor{x_self}, LeaveWorker{key});
}

// -- channel -------------------------------------------------------------------------------------

void WorkerSessionState::send_frame(decltype(WorkerFrame::frame) frame) {
  const auto channel = x_session->channel();
  if (channel) x_self->send(x_channel, WorkerFrame{*channel, std::move(frame)});
}

void WorkerSessionState::bind(const BindWorker& message) {
  if (x_is_leaving) {
    x_self->send(message.handle, ChannelClosed{message.channel, has_left()});
    return;
  }
  if (const auto replaced = x_session->bind(message.channel, now())) {
    x_self->send(x_channel, ChannelClosed{*replaced, {}});
    give_back_all(true, "its worker bound anew");
  }
  x_channel = message.handle;
  x_connected_at = x_setup.ports.wall->now();
  x_last_heartbeat_at = x_connected_at;
  x_self->send(x_channel, ChannelOpened{message.channel});
  publish();
  set_timer();
}

void WorkerSessionState::unbind(const UnbindWorker& message) {
  const bool was_draining = x_session->state() == SessionState::draining;
  if (!x_session->unbind(message.channel)) return;
  x_inactive_since = x_setup.ports.wall->now();
  publish();
  give_back_all(was_draining, "its connection was closed");
  fail_wakes();
}

caf::result<SessionAnswer> WorkerSessionState::heartbeat(const WorkerHeartbeat& message) {
  if (x_is_leaving) return refusal(has_left());
  x_last_heartbeat_at = x_setup.ports.wall->now();
  bool is_news = x_session->hear(now());
  for (const auto& [llm, status] : message.llms) {
    is_news = x_session->set_status(llm, status) || is_news;
  }
  if (is_news) publish();
  set_timer();
  return answer();
}

// -- leaving -------------------------------------------------------------------------------------

void WorkerSessionState::drain(bool is_stopping) {
  x_session->drain();
  send_frame(WorkerFrame::Drain{is_stopping});
  publish();
}

// From here on its id and its names are free for a session that registers anew. The actor stays for
// a while: a call whose lease was granted before may be on its way to it, and is given back.
caf::result<SessionAnswer> WorkerSessionState::leave() {
  if (x_is_leaving) return refusal(has_left());
  auto promise = x_self->make_response_promise<SessionAnswer>();
  x_self->send(x_setup.house.directory, RemoveExecutor{x_setup.id});
  give_back_all(true, "its worker has left");
  if (const auto channel = x_session->channel()) {
    x_self->send(x_channel, ChannelClosed{*channel, {}});
    x_session->unbind(*channel);
  }
  x_inactive_since = x_setup.ports.wall->now();
  fail_wakes();
  x_is_leaving = true;
  const std::uint64_t cookie = x_next_cookie++;
  x_writes.emplace(cookie, promise);
  x_self->send(
      x_setup.house.store,
      StoreWrite{PutDocument{worker_documents, x_setup.registration.session.to_string(), ""},
                 x_self, cookie});
  // Behind the deletion: a registration under the same id is written after it.
  x_self->send(x_setup.house.registrar, SessionEnded{x_setup.registration.session, x_setup.id});
  x_self->delayed_send(x_self, linger, SessionTick{++x_timer_generation});
  return promise;
}

WorkerSessionActor::behavior_type WorkerSessionState::make_behavior(WorkerSessionSetup setup) {
  x_setup = std::move(setup);
  x_session.emplace(x_setup.rules);
  x_session->offer(x_setup.registration.llms);
  x_is_registered = !x_setup.registration.llms.empty();
  x_inactive_since = x_setup.ports.wall->now();
  if (x_is_registered) publish();
  return {
      [this](const RunTask& message) { run(message); },
      [this](const AbortTask& message) { abort(message); },
      [this](const WakeLlm& message) { wake(message); },
      [this](const LlmTaken& message) { taken(message); },
      [this](const BindWorker& message) { bind(message); },
      [this](const UnbindWorker& message) { unbind(message); },
      [this](const RegisterWorker& message) { return offer(message); },
      [this](const WorkerHeartbeat& message) { return heartbeat(message); },
      [this](const WorkerChunks& message) { return take_chunks(message); },
      [this](WorkerResult& message) { return take_result(message); },
      [this](const DrainWorker&) {
        drain(false);
        return answer();
      },
      [this](const LeaveWorker&) { return leave(); },
      [this](const GetWorker&) { return answer(); },
      [this](const ResultStored& message) { result_stored(message); },
      [this](const StoreAnswer& message) { written(message); },
      [this](const SessionTick& message) {
        if (message.generation == x_timer_generation) tick();
      },
      [this](BeginDrain) { drain(true); },
  };
}

WorkerSessionActor::behavior_type worker_session_actor(
    WorkerSessionActor::stateful_pointer<WorkerSessionState> self, WorkerSessionSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
