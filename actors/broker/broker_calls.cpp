// What the broker does for calls: give a new one its route, profile and actor; find the one that is
// meant.
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/broker/broker_actor.hpp"
#include "actors/messages/gather.hpp"
#include "actors/tasks/task_actor.hpp"
#include "core/backends/routing_news.hpp"
#include "core/base/name.hpp"
#include "core/tasks/attempt_log.hpp"

namespace signalbox::actors {
namespace {

/// A task answers at once.
constexpr std::chrono::seconds shelve_patience{2};

/// What a caller of a backend that is not there is told to wait.
constexpr double absent_retry_s = 5;

CallFacts facts_of(const Task& task) {
  CallFacts facts;
  facts.task = task.id;
  facts.profile = task.profile;
  facts.priority = task.priority;
  facts.backend = task.backend;
  facts.attempts = task.attempts;
  if (task.claimed_at != WallTime{}) {
    facts.queue_wait_ms = to_fractional_ms(task.claimed_at - task.created_at);
  }
  return facts;
}

}  // namespace

// Most refusals are the caller's own mistakes. These two are about load, and have no task to tell
// of them.
void BrokerState::note_refused(const Task& task, const Error& error) {
  if (error.code != ErrorCode::queue_full && error.code != ErrorCode::no_backend) return;
  if (!x_house->metrics) return;
  CallRow row = new_call_row(task);
  row.queued_at = x_ports.wall->now();
  row.finished_at = row.queued_at;
  row.status = call_status_for(error.code);
  row.error_kind = to_string(error.code);
  row.error_detail = error.message;
  row.queue_wait_ms = 0;
  row.total_latency_ms = 0;
  x_self->send(x_house->metrics, CallChanged{std::make_shared<const CallRow>(std::move(row))});
}

void BrokerState::refuse(const SubmitTask& message, Error error) {
  note_refused(message.task, error);
  TaskRefused refused;
  refused.call = message.call;
  refused.facts = facts_of(message.task);
  refused.error = std::move(error);
  x_self->send(message.listener, std::move(refused));
}

void BrokerState::submit(SubmitTask& message) {
  if (x_is_draining) {
    refuse(message, draining());
    return;
  }
  if (!message.task.idempotency_hash.empty() && watch_key_owner(message)) return;
  if (auto error = route(message)) {
    // The row says so to whoever reads its stream.
    if (message.takes_absent && error->code == ErrorCode::no_backend) {
      keep_refused(message, std::move(*error));
    } else {
      refuse(message, std::move(*error));
    }
    return;
  }
  Profile* profile = find_or_make_profile(message.task.profile);
  if (profile == nullptr) {
    refuse(message, too_many_profiles("X-Signalbox-Profile"));
    return;
  }
  if (message.is_async && x_backlog_count >= x_settings.max_backlog) {
    refuse(message, make_error(ErrorCode::queue_full, "the backlog is full")
                        .with("max_backlog", static_cast<std::int64_t>(x_settings.max_backlog))
                        .retry_after(60));
    return;
  }
  spawn_task(message, *profile);
}

// A key that is known already costs no place in any queue.
bool BrokerState::watch_key_owner(const SubmitTask& message) {
  auto found = x_ports.store->find_idempotent(message.task.idempotency_hash);
  if (found.has_error()) {
    refuse(message, found.error());
    return true;
  }
  if (!found->has_value()) return false;
  const Task& owner = **found;
  if (owner.request_hash != message.task.request_hash) {
    refuse(message, make_error(ErrorCode::idempotency_key_reused,
                               "this Idempotency-Key was used before with another body")
                        .with("task", owner.id.to_string()));
    return true;
  }
  if (message.is_async) {
    x_self->send(message.listener, TaskAccepted{message.call, share(owner)});
  } else {
    watch({message.call, message.listener, owner.id, message.task.id});
  }
  return true;
}

void BrokerState::change_routing(const RoutingChanged& message) {
  const auto before = std::exchange(x_table, message.table);
  if (!x_ports.log) return;
  for (const std::string& line : routing_news(*before, *x_table)) x_ports.log(line);
}

std::optional<Error> BrokerState::route(SubmitTask& message) {
  auto found = message.is_llm_only ? resolve_llm(*x_table, message.target)
                                   : resolve(*x_table, message.target);
  Task& task = message.task;
  if (found.has_error()) {
    // An agent vouches for its target, though nobody serves it yet.
    if (task.agent.empty() && !message.takes_absent) return found.error();
    // What nobody has offered becomes a name of ours.
    if (!is_valid_name(message.target)) {
      return invalid_request("a name is 1-128 of [A-Za-z0-9._:/@+-]", "model");
    }
    found = route_to_absent(message.target);
  }
  const Route& route = *found;
  if (task.kind == TaskKind::native_chat && route.type != "lmstudio") {
    return make_error(ErrorCode::invalid_request,
                      "\"" + message.target + "\" is not served by an upstream of type lmstudio")
        .at_param("model");
  }
  task.pool = route.pool;
  task.llm = route.llm;
  task.model = route.model;
  task.tier = route.tier;
  if (task.profile.empty()) task.profile = derive_profile(route, task.kind);
  if (task.fail_fast && !route.is_present) {
    return make_error(ErrorCode::no_backend,
                      "no backend for \"" + message.target +
                          "\" is online: start one (a push worker is there when it has sent a "
                          "heartbeat), or ask again later")
        .with(message.is_llm_only ? "llm" : "model", message.target)
        .retry_after(absent_retry_s);
  }
  return std::nullopt;
}

TaskSetup BrokerState::setup_for(TaskPtr task, const Profile& profile) const {
  TaskSetup setup;
  setup.task = std::move(task);
  setup.is_relaxed = profile.settings.commit.value_or(x_settings.commit) == CommitMode::relaxed;
  setup.max_attempts = x_settings.max_attempts;
  setup.boot_counter = x_ports.store->boot_counter();
  setup.profile = profile.actor;
  setup.house = x_house;
  setup.wall = x_ports.wall;
  return setup;
}

void BrokerState::spawn_task(SubmitTask& message, Profile& profile) {
  Task& task = message.task;
  const ProfileSettings& settings = profile.settings;
  if (message.queue_wait) {
    task.queue_wait_ms = std::max<std::int64_t>(to_ms(*message.queue_wait), 1);
  } else {
    task.queue_wait_ms = message.is_async ? 0 : to_ms(from_seconds(settings.default_queue_wait_s));
  }
  const Duration inference = message.inference.value_or(from_seconds(settings.default_inference_s));
  task.inference_ms = std::max<std::int64_t>(to_ms(inference), 1);
  task.attended = !message.is_async;
  task.created_at = x_ports.wall->now();
  const TaskId id = task.id;
  TaskSetup setup = setup_for(share(std::move(task)), profile);
  setup.request = std::move(message.request);
  setup.is_async = message.is_async;
  setup.session = std::move(message.session);
  setup.size = message.size;
  setup.listener = Listeners::Listener{message.call, message.listener, false, false};
  if (message.is_async) ++x_backlog_count;
  LiveTask& live = x_tasks[id];
  live.is_in_backlog = message.is_async;
  live.actor = x_self->spawn(task_actor, std::move(setup));
}

// It never waits, so it needs no profile: names that callers make up leave nothing behind but rows.
void BrokerState::keep_refused(SubmitTask& message, Error error) {
  Task& task = message.task;
  task.created_at = x_ports.wall->now();
  const TaskId id = task.id;
  TaskSetup setup;
  setup.task = share(std::move(task));
  setup.request = std::move(message.request);
  setup.is_async = message.is_async;
  setup.refusal = std::move(error);
  setup.listener = Listeners::Listener{message.call, message.listener, false, false};
  setup.house = x_house;
  setup.wall = x_ports.wall;
  x_tasks[id].actor = x_self->spawn(task_actor, std::move(setup));
}

TaskActor BrokerState::spawn_for_row(Task task, std::optional<Listeners::Listener> listener) {
  Profile* profile = find_or_make_profile(task.profile);
  if (profile == nullptr) return {};
  const TaskId id = task.id;
  // Any other was counted out when the store refused its end.
  const bool is_pending = task.state == TaskState::pending;
  TaskSetup setup = setup_for(share(std::move(task)), *profile);
  setup.entry = TaskEntry::backlog;
  setup.listener = std::move(listener);
  auto request = x_ports.store->load_body(id, BodyKind::request);
  if (request.has_value()) setup.request = *request;
  LiveTask& live = x_tasks[id];
  live.is_in_backlog = is_pending;
  live.actor = x_self->spawn(task_actor, std::move(setup));
  return live.actor;
}

void BrokerState::watch(const WatchTask& message) {
  const bool has_alias = !message.alias.is_nil() && message.alias != message.task;
  if (const auto place = x_tasks.find(message.task); place != x_tasks.end()) {
    if (has_alias) {
      place->second.aliases.push_back(message.alias);
      x_aliases[message.alias] = message.task;
    }
    x_self->send(place->second.actor, AddListener{message.call, message.listener,
                                                  message.is_observer, message.wants_past});
    return;
  }
  auto loaded = x_ports.store->load(message.task);
  if (loaded.has_error() || !loaded->has_value()) {
    TaskRefused refused;
    refused.call = message.call;
    refused.facts.task = message.task;
    refused.error = loaded.has_error()
                        ? loaded.error()
                        : make_error(ErrorCode::task_not_found, "there is no such task");
    x_self->send(message.listener, std::move(refused));
    return;
  }
  const Task& task = **loaded;
  if (is_terminal(task.state)) {
    tell_stored_end(message, task);
    return;
  }
  const TaskActor actor = spawn_for_row(
      task, Listeners::Listener{message.call, message.listener, message.is_observer, false});
  if (!actor) {
    x_self->send(message.listener, TaskRefused{message.call, facts_of(task),
                                               too_many_profiles("X-Signalbox-Profile")});
    return;
  }
  // Whoever ran it has gone, and the store has refused its end: nothing will come of it any more.
  if (task.state != TaskState::pending) {
    x_self->send(actor, EndTask{make_error(ErrorCode::store_failed,
                                           "the end of the task could not be stored")});
  }
  if (!has_alias) return;
  x_tasks[message.task].aliases.push_back(message.alias);
  x_aliases[message.alias] = message.task;
}

void BrokerState::tell_stored_end(const WatchTask& message, const Task& task) {
  TaskEnded ended;
  ended.call = message.call;
  ended.facts = facts_of(task);
  ended.task = share(task);
  ended.error.code = task.error_code;
  ended.error.message = task.error_message;
  if (task.backend_status >= 400 && task.backend_status < 500) {
    ended.error.backend_status = task.backend_status;
  } else if (task.backend_status != 0) {
    ended.error.details.emplace_back("backend_status", std::int64_t{task.backend_status});
  }
  ended.error.from_backend = task.error_code == ErrorCode::backend_error;
  const HeldStream* past = message.wants_past ? x_recent_streams.find(task.id) : nullptr;
  if (past != nullptr) {
    for (const StreamPart& part : *past) {
      x_self->send(message.listener, TaskData{message.call, part.data, part.first_event, {}});
    }
  }
  auto body = x_ports.store->load_body(task.id, BodyKind::response);
  if (body.has_error()) {
    ended.error = body.error();
  } else {
    ended.body = *body;
  }
  x_self->send(message.listener, std::move(ended));
}

void BrokerState::caller_gone(const CallerGone& message) {
  const auto alias = x_aliases.find(message.task);
  const TaskId id = alias == x_aliases.end() ? message.task : alias->second;
  const auto place = x_tasks.find(id);
  if (place == x_tasks.end()) return;
  x_self->send(place->second.actor, RemoveListener{message.call, message.listener});
}

void BrokerState::order_end(OrderEnd message) {
  if (const auto place = x_tasks.find(message.task); place != x_tasks.end()) {
    x_self->send(place->second.actor, EndTask{std::move(message.error), message.pending_before});
    return;
  }
  const auto loaded = x_ports.store->load(message.task);
  if (loaded.has_error() || !loaded->has_value() || is_terminal((*loaded)->state)) return;
  if (message.pending_before && !is_overdue(**loaded, *message.pending_before)) return;
  const TaskActor actor = spawn_for_row(**loaded, std::nullopt);
  if (actor) x_self->send(actor, EndTask{std::move(message.error), message.pending_before});
}

caf::result<Done> BrokerState::shelve_all() {
  x_is_stopping = true;
  end_slots();
  auto promise = x_self->make_response_promise<Done>();
  Gather<Done> gather{promise};
  for (const auto& [id, live] : x_tasks) {
    gather.open();
    x_self->request(live.actor, shelve_patience, ShelveTask{})
        .then([gather](const Done&) mutable { gather.close(); },
              [gather](const caf::error&) mutable { gather.close(); });
  }
  gather.close();
  return promise;
}

// A row whose end the store refused is counted out, and may get an actor again all the same.
void BrokerState::leave_backlog() {
  if (x_backlog_count > 0) --x_backlog_count;
}

void BrokerState::backlog_granted(BacklogGranted& message) {
  if (x_is_stopping) return;
  TurnGranted turn{message.lease, message.executor, message.queue_wait};
  if (const auto place = x_tasks.find(message.task); place != x_tasks.end()) {
    x_self->send(place->second.actor, std::move(turn));
    return;
  }
  auto loaded = x_ports.store->load(message.task);
  if (loaded.has_value() && loaded->has_value() && !is_terminal((*loaded)->state)) {
    if (const TaskActor actor = spawn_for_row(std::move(**loaded), std::nullopt)) {
      x_self->send(actor, std::move(turn));
      return;
    }
  }
  // The row has ended, and was counted out by its actor, or cannot be read: its turn goes to the
  // next.
  if (loaded.has_error()) leave_backlog();
  if (!message.lease.llm.empty()) {
    x_self->send(x_house->directory, ReleaseLease{std::move(message.lease)});
  }
  if (Profile* profile = find_or_make_profile(message.profile)) {
    x_self->send(profile->actor, LeaveProfile{message.task, {}});
  }
}

void BrokerState::task_actor_gone(TaskActorGone& message) {
  const auto place = x_tasks.find(message.task);
  if (place == x_tasks.end()) return;
  for (const TaskId& alias : place->second.aliases) x_aliases.erase(alias);
  if (place->second.is_in_backlog && !message.backlog_of) leave_backlog();
  x_self->send(place->second.actor, Retire{});
  x_tasks.erase(place);
  x_recent_streams.keep(message.task, std::move(message.stream));
  if (message.backlog_of) {
    x_self->send(*message.backlog_of, EnqueueTurn{message.task, true});
  }
}

}  // namespace signalbox::actors
