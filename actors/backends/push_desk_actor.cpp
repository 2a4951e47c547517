#include "actors/backends/push_desk_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

namespace signalbox::actors {
namespace {

/// The directory answers from memory.
constexpr std::chrono::seconds directory_patience{5};
/// A heartbeat that says nothing new moves no more than the time of the last one: that is told at
/// most so often.
constexpr std::chrono::seconds publish_interval{5};

bool is_same(const std::vector<Llm>& left, const std::vector<Llm>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const Llm& a, const Llm& b) {
                      return a.name == b.name && a.status == b.status && a.is_full == b.is_full &&
                             a.capacity == b.capacity && a.url == b.url;
                    });
}

}  // namespace

Instant PushDeskState::now() const {
  return x_self->clock().now();
}

PushAnswer PushDeskState::hear(const HearPushWorker& message) {
  if (auto error = check(message.heartbeat)) return {std::move(*error)};
  const auto found = find_or_make(message);
  if (found.has_error()) return {found.error()};
  Worker& worker = **found;
  if (auto error = worker.state.hear(message.heartbeat, now(), x_ports.wall->now())) {
    return {std::move(*error)};
  }
  publish(worker);
  set_timer();
  return {};
}

Result<PushDeskState::Worker*> PushDeskState::find_or_make(const HearPushWorker& message) {
  const std::string& id = message.heartbeat.id;
  const auto place = x_workers.find(id);
  if (place != x_workers.end()) {
    if (place->second.owner == message.owner) return &place->second;
    return make_error(ErrorCode::name_conflict, "a worker of another owner is called " + id)
        .at_param("worker.id");
  }
  if (!x_settings.make_backend) {
    return make_error(ErrorCode::invalid_request, "this house takes no push workers");
  }
  if (x_workers.size() >= x_settings.workers_max && !make_room()) {
    return make_error(ErrorCode::invalid_request, "there are too many workers already");
  }
  Worker worker{
      PushWorker{x_settings.heartbeat_timeout}, message.owner, x_next_executor++, {}, {}, {}, {}};
  x_ids[worker.executor] = id;
  return &x_workers.emplace(id, std::move(worker)).first->second;
}

// The one that has been gone the longest, if one is.
bool PushDeskState::make_room() {
  auto oldest = x_workers.end();
  for (auto place = x_workers.begin(); place != x_workers.end(); ++place) {
    const PushWorker& state = place->second.state;
    if (state.gone_since() == WallTime{} || state.in_flight() > 0) continue;
    if (oldest == x_workers.end() || state.gone_since() < oldest->second.state.gone_since()) {
      oldest = place;
    }
  }
  if (oldest == x_workers.end()) return false;
  remove(oldest);
  return true;
}

void PushDeskState::remove(std::map<std::string, Worker>::iterator place) {
  x_self->send(x_house.directory, RemoveExecutor{place->second.executor});
  x_ids.erase(place->second.executor);
  x_workers.erase(place);
}

void PushDeskState::publish(Worker& worker) {
  std::vector<Llm> llms = worker.state.llms();
  const bool is_news = !is_same(llms, worker.published);
  if (!is_news && now() < worker.published_at + publish_interval) return;
  worker.published = llms;
  worker.published_at = now();
  x_self->send(x_house.directory, PutLlms{worker.executor, x_self, std::move(llms)});
}

// -- calls ---------------------------------------------------------------------------------------

PushDeskState::Worker* PushDeskState::find(ExecutorId executor) {
  const auto id = x_ids.find(executor);
  return id == x_ids.end() ? nullptr : &x_workers.at(id->second);
}

std::shared_ptr<Backend> PushDeskState::backend_for(Worker& worker, const std::string& model) {
  const PushHeartbeat& latest = worker.state.latest();
  const std::pair address{latest.host, latest.port};
  if (worker.address != address) worker.backends.clear();
  worker.address = address;
  const bool has_choice = worker.state.models().size() > 1;
  auto& backend = worker.backends[has_choice ? model : std::string{}];
  if (!backend) {
    backend = x_settings.make_backend(latest.host, latest.port, has_choice ? model : std::string{});
  }
  return backend;
}

void PushDeskState::run(const RunTask& message) {
  Worker* worker = find(message.executor);
  if (worker == nullptr) return refuse(message);
  worker->state.call_began();
  x_calls.run(
      backend_for(*worker, message.model), message,
      [self = PushDeskActor{x_self}](const CallEnded& ended) { caf::anon_send(self, ended); });
}

// It was forgotten while the call was on its way.
void PushDeskState::refuse(const RunTask& message) {
  BackendFailed gone;
  gone.error = make_error(ErrorCode::backend_unreachable, "the worker is gone");
  gone.retryable = true;
  x_self->send(message.reply_to, BackendReport{message.epoch, std::move(gone), {}});
}

void PushDeskState::call_ended(const CallEnded& message) {
  x_calls.forget(message);
  Worker* worker = find(message.executor);
  if (worker == nullptr) return;
  if (worker->state.call_ended(message.is_done, message.is_unreachable, now())) publish(*worker);
}

// -- time ----------------------------------------------------------------------------------------

void PushDeskState::expire() {
  for (auto& [id, worker] : x_workers) {
    if (worker.state.expire(now(), x_ports.wall->now())) publish(worker);
  }
  set_timer();
}

// As in ProfileState: one timer, set anew only when something is due sooner.
void PushDeskState::set_timer() {
  std::optional<Instant> next;
  for (const auto& [id, worker] : x_workers) {
    const auto due = worker.state.next_deadline();
    if (due) next = next ? std::min(*next, *due) : *due;
  }
  if (!next || (x_timer && *x_timer <= *next)) return;
  x_timer = next;
  const Duration delay = *next > now() ? *next - now() : Duration::zero();
  x_self->delayed_send(x_self, delay, StaleTick{++x_timer_generation});
}

void PushDeskState::collect(const CollectSessions& message) {
  const auto retention =
      std::chrono::duration_cast<std::chrono::milliseconds>(message.inactive_retention);
  for (auto place = x_workers.begin(); place != x_workers.end();) {
    const auto here = place++;
    const PushWorker& state = here->second.state;
    const bool is_old = state.gone_since() != WallTime{} && state.in_flight() == 0 &&
                        state.gone_since() + retention <= x_ports.wall->now();
    if (is_old) remove(here);
  }
}

// -- questions -----------------------------------------------------------------------------------

SessionStatus PushDeskState::status_of(const Worker& worker, const RoutingTable& table) const {
  const PushWorker& state = worker.state;
  SessionStatus status;
  const PushHeartbeat& latest = state.latest();
  status.push =
      PushFacts{latest.id, state.models(), latest.device, latest.implementation, latest.version,
                {},        state.status()};
  status.owner = worker.owner;
  status.address = latest.host;
  const bool is_there = state.status() == PushStatus::ready || state.status() == PushStatus::busy;
  status.state = is_there ? SessionState::active : SessionState::inactive;
  status.connected_at = state.first_heard_at();
  status.last_heartbeat_at = state.heard_at();
  status.inactive_since = state.gone_since();
  for (const Llm& llm : table.llms) {
    if (llm.executor == worker.executor) status.llms.push_back(llm);
  }
  if (!worker.published.empty()) status.push->url = worker.published.front().url;
  status.capacity = latest.capacity;
  status.in_flight = state.in_flight();
  status.done = state.done();
  status.failed = state.failed();
  return status;
}

// Names are the directory's to give.
caf::result<WorkerList> PushDeskState::list(const ListWorkers& message) {
  auto promise = x_self->make_response_promise<WorkerList>();
  x_self->request(x_house.directory, directory_patience, ListLlms{})
      .then(
          [this, promise, message](const LlmList& llms) mutable {
            WorkerList list;
            for (const auto& [id, worker] : x_workers) {
              if (worker.owner != message.owner && !message.sees_all) continue;
              list.workers.push_back(status_of(worker, *llms.table));
            }
            promise.deliver(std::move(list));
          },
          [promise](const caf::error&) mutable { promise.deliver(WorkerList{}); });
  return promise;
}

PushDeskActor::behavior_type PushDeskState::make_behavior(PushDeskSettings settings, Ports ports) {
  x_settings = std::move(settings);
  x_ports = std::move(ports);
  x_next_executor = x_settings.first_executor;
  return {
      [this](const RunTask& message) { run(message); },
      [this](const AbortTask& message) { x_calls.abort(message); },
      [](const WakeLlm&) {},
      [](const LlmTaken&) {},
      [this](const OpenHouse& message) { x_house = message.house; },
      [this](const CallEnded& message) { call_ended(message); },
      [this](const StaleTick& message) {
        if (message.generation != x_timer_generation) return;
        x_timer.reset();
        expire();
      },
      [this](const CollectSessions& message) { collect(message); },
      [this](const HearPushWorker& message) { return hear(message); },
      [this](const ListWorkers& message) { return list(message); },
  };
}

PushDeskActor::behavior_type push_desk_actor(PushDeskActor::stateful_pointer<PushDeskState> self,
                                             PushDeskSettings settings, Ports ports) {
  return self->state.make_behavior(std::move(settings), std::move(ports));
}

}  // namespace signalbox::actors
