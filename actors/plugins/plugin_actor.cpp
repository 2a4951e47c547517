#include "actors/plugins/plugin_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/upstream_actor.hpp"

namespace signalbox::actors {
namespace {

/// The metrics actor answers from memory.
constexpr std::chrono::seconds rows_patience{5};
constexpr std::chrono::seconds cancel_patience{5};
constexpr std::size_t description_bytes_max = 200;

Priority priority_of(plugin::Priority priority) {
  return static_cast<Priority>(priority);
}

TaskKind kind_of(plugin::Kind kind) {
  return static_cast<TaskKind>(kind);
}

std::optional<Duration> duration_of(const std::optional<std::chrono::nanoseconds>& duration) {
  if (!duration) return std::nullopt;
  return std::chrono::duration_cast<Duration>(*duration);
}

plugin::Failure failure_of(const Error& error) {
  if (error.code == ErrorCode::none) return {};
  return {std::string{to_string(error.code)}, error.message};
}

plugin::CallEvent event_of(const CallRow& row) {
  plugin::CallEvent event;
  event.id = format_id(row.id);
  event.kind = to_string(row.kind);
  event.profile = row.profile;
  event.priority = static_cast<plugin::Priority>(row.priority);
  event.owner = row.owner;
  event.model = row.model;
  event.llm = row.backend;
  event.status = to_string(row.status);
  event.has_ended = row.finished_at != WallTime{};
  event.error_kind = row.error_kind;
  event.queue_wait_ms = row.queue_wait_ms;
  event.service_time_ms = row.service_time_ms;
  event.tokens_in = row.tokens.in;
  event.tokens_out = row.tokens.out;
  return event;
}

}  // namespace

bool PluginState::post(std::string_view what, std::function<void()> work, bool may_be_missed) {
  return x_setup.runner->post(
      [log = x_setup.log, what, work = std::move(work)] { guarded(log, what, work); },
      may_be_missed);
}

// -- offers --------------------------------------------------------------------------------------

std::optional<std::string> PluginState::find_problem(const plugin::LlmOffer& offer) const {
  if (x_offers_made >= plugin_offers_max) return "offers too many LLMs";
  if (!is_valid_name(offer.name)) return "offers an LLM whose name cannot be: " + offer.name;
  if (!offer.pool.empty() && !is_valid_name(offer.pool)) {
    return "offers an LLM whose pool cannot be: " + offer.pool;
  }
  return std::nullopt;
}

void PluginState::offer(const OfferLlm& message) {
  const plugin::LlmOffer& offer = message.offer;
  if (auto problem = find_problem(offer)) {
    x_setup.log(*problem);
    if (x_setup.on_offered) x_setup.on_offered();
    return;
  }
  const auto id = x_setup.first_executor + static_cast<ExecutorId>(x_offers_made++);
  Llm llm;
  llm.name = offer.name;
  llm.qualified_name = x_setup.name + "/" + offer.name;
  llm.kind = LlmKind::plugin;
  llm.type = offer.type;
  llm.model = offer.model.empty() ? offer.name : offer.model;
  llm.tier = offer.tier;
  llm.pool = offer.pool;
  llm.capacity = std::clamp<std::uint32_t>(offer.capacity, 1, plugin_capacity_max);
  llm.group = "plugin " + x_setup.name + " " + offer.name;
  UpstreamSetup setup;
  setup.id = id;
  setup.backend = x_setup.runner->make_backend(message.backend, llm.capacity);
  setup.directory = x_setup.house.directory;
  setup.offered = std::move(llm);
  setup.on_first_answer = x_setup.on_offered;
  x_offers.push_back({id, x_self->spawn<caf::monitored>(upstream_actor, std::move(setup))});
}

// Only now: while it lived it could still have told the directory of itself.
void PluginState::offer_ended(const caf::actor_addr& actor) {
  for (const Offer& offer : x_offers) {
    if (offer.actor.address() != actor) continue;
    x_self->send(x_setup.house.directory, RemoveExecutor{offer.id});
  }
  std::erase_if(x_offers, [&](const Offer& offer) { return offer.actor.address() == actor; });
}

void PluginState::end_offers() {
  for (const Offer& offer : x_offers) {
    caf::anon_send_exit(offer.actor, caf::exit_reason::user_shutdown);
  }
}

PluginState::~PluginState() {
  end_offers();
}

void PluginState::withdraw() {
  end_offers();
  for (const auto& [number, task] : x_tasks) cancel(task.id);
  if (x_on_call) x_self->send(x_setup.house.metrics, UnwatchCalls{CallWatcher{x_self}});
  x_on_call = nullptr;
  x_timers.clear();
}

// -- tasks ---------------------------------------------------------------------------------------

void PluginState::submit(const SubmitWish& message) {
  const CallNumber call = x_next_number++;
  const bool is_full = x_tasks.size() >= plugin_tasks_max;
  x_tasks[call] = {message.task, message.watch};
  if (is_full) {
    tell_end(call, {message.task.to_string(),
                    {"queue_full", "the plugin has too many tasks that have not ended"},
                    {},
                    {},
                    0});
    return;
  }
  const plugin::TaskWish& wish = message.wish;
  SubmitTask submit;
  submit.call = call;
  submit.listener = x_self;
  submit.task.id = message.task;
  submit.task.kind = kind_of(wish.kind);
  submit.task.priority = priority_of(wish.priority);
  submit.task.streaming = wish.is_streaming;
  submit.task.profile = wish.profile;
  submit.task.owner = owner();
  submit.task.description = wish.description.substr(0, description_bytes_max);
  submit.request = make_bytes(wish.request);
  submit.target = wish.target;
  submit.inference = duration_of(wish.inference);
  submit.is_async = true;
  submit.takes_absent = true;
  x_self->send(x_setup.house.broker, std::move(submit));
}

// It is durable. From here on its actor is asked for the rest, as by anybody who comes later.
void PluginState::accepted(const TaskAccepted& message) {
  const auto place = x_tasks.find(message.call);
  if (place == x_tasks.end()) return;
  place->second.id = message.task->id;
  WatchTask watch;
  watch.call = message.call;
  watch.listener = x_self;
  watch.task = message.task->id;
  x_self->send(x_setup.house.broker, std::move(watch));
}

void PluginState::cancel(TaskId task) {
  const bool is_its_own = std::any_of(x_tasks.begin(), x_tasks.end(), [task](const auto& entry) {
    return entry.second.id == task;
  });
  if (!is_its_own) return;
  x_self->request(x_setup.house.broker, cancel_patience, CancelTask{task})
      .then([](const Done&) {}, [](const caf::error&) {});
}

void PluginState::pass_on(const TaskData& message) {
  const auto place = x_tasks.find(message.call);
  if (place == x_tasks.end() || !place->second.watch.on_data) return;
  post(
      "on_data", [on_data = place->second.watch.on_data, data = message.data] { on_data(*data); },
      true);
}

void PluginState::refused(const TaskRefused& message) {
  const auto place = x_tasks.find(message.call);
  if (place == x_tasks.end()) return;
  tell_end(message.call, {place->second.id.to_string(), failure_of(message.error), {}, {}, 0});
}

void PluginState::ended(const TaskEnded& message) {
  plugin::TaskEnd end;
  end.id = message.task->id.to_string();
  end.failure = failure_of(message.error);
  if (message.body) end.body = *message.body;
  end.llm = message.task->backend;
  end.attempts = message.task->attempts;
  tell_end(message.call, std::move(end));
}

void PluginState::tell_end(CallNumber call, plugin::TaskEnd end) {
  const auto place = x_tasks.find(call);
  if (place == x_tasks.end()) return;
  auto on_end = std::move(place->second.watch.on_end);
  x_tasks.erase(place);
  if (!on_end) return;
  post("on_end", [on_end = std::move(on_end), end = std::move(end)] { on_end(end); });
}

// -- slots ---------------------------------------------------------------------------------------

void PluginState::acquire(const AcquireWish& message) {
  if (x_slots.size() >= plugin_slot_waits_max) {
    post("on_end", [on_end = message.on_end] {
      on_end({nullptr, {"queue_full", "the plugin waits for too many slots"}});
    });
    return;
  }
  const plugin::SlotWish& wish = message.wish;
  AcquireSlot acquire;
  acquire.call = x_next_number++;
  acquire.listener = x_self;
  acquire.request.id = SlotId{x_setup.ports.ids->next()};
  acquire.request.profile = wish.profile;
  acquire.request.priority = priority_of(wish.priority);
  acquire.request.owner = owner();
  acquire.request.description = wish.description.substr(0, description_bytes_max);
  acquire.queue_wait = duration_of(wish.queue_wait);
  acquire.inference = duration_of(wish.inference);
  x_slots[acquire.call] = {acquire.request.id, message.on_end};
  x_self->send(x_setup.house.broker, std::move(acquire));
}

void PluginState::admitted(const SlotAdmitted& message) {
  const auto place = x_slots.find(message.call);
  if (place == x_slots.end()) return;
  // Made here and not on the plugin's thread: one that is never handed over gives itself back.
  auto slot = make_plugin_slot(x_setup.gate, {place->second.id, owner(), false});
  post("on_end", [on_end = std::move(place->second.on_end), slot = std::move(slot)]() mutable {
    on_end({std::move(slot), {}});
  });
  x_slots.erase(place);
}

void PluginState::slot_ended(const SlotEnded& message) {
  const auto place = x_slots.find(message.call);
  if (place == x_slots.end()) return;
  post("on_end", [on_end = std::move(place->second.on_end), failure = failure_of(message.error)] {
    on_end({nullptr, failure});
  });
  x_slots.erase(place);
}

// -- events --------------------------------------------------------------------------------------

void PluginState::watch(const WatchWish& message) {
  x_on_call = message.on_call;
  ListCalls under_way;
  under_way.query.limit = call_page_max;
  // In this order: nothing is missed between the two.
  x_self->request(x_setup.house.metrics, rows_patience, WatchCalls{CallWatcher{x_self}})
      .then([](const Done&) {}, [](const caf::error&) {});
  x_self->request(x_setup.house.metrics, rows_patience, under_way)
      .then(
          [this](const CallPage& page) {
            for (auto row = page.page.rows.rbegin(); row != page.page.rows.rend(); ++row) {
              if ((*row)->finished_at == WallTime{}) changed(**row);
            }
          },
          [](const caf::error&) {});
}

void PluginState::changed(const CallRow& row) {
  if (!x_on_call) return;
  plugin::CallEvent event = event_of(row);
  event.missed = x_missed;
  const bool is_taken = post(
      "on_call", [on_call = x_on_call, event = std::move(event)] { on_call(event); }, true);
  x_missed = is_taken ? 0 : x_missed + 1;
}

// -- timers --------------------------------------------------------------------------------------

void PluginState::call_later(const CallLater& message) {
  if (x_timers.size() >= plugin_timers_max) {
    x_setup.log("has too many timers: one is left out");
    return;
  }
  const std::uint64_t number = x_next_number++;
  x_timers[number] = message.what;
  x_self->delayed_send(x_self, std::max(message.delay, Duration::zero()), LaterTick{number});
}

void PluginState::call_now(const LaterTick& message) {
  const auto place = x_timers.find(message.number);
  if (place == x_timers.end()) return;
  post("call_later", std::move(place->second));
  x_timers.erase(place);
}

PluginActor::behavior_type PluginState::make_behavior(PluginSetup setup) {
  x_setup = std::move(setup);
  x_self->set_down_handler([this](const caf::down_msg& message) { offer_ended(message.source); });
  return {
      [this](const TaskRefused& message) { refused(message); },
      [this](const TaskAccepted& message) { accepted(message); },
      [](const TaskBegan&) {},
      [this](const TaskData& message) { pass_on(message); },
      [](const TaskMoved&) {},
      [](const TaskReset&) {},
      [this](const TaskEnded& message) { ended(message); },
      [](const SlotWaiting&) {},
      [this](const SlotAdmitted& message) { admitted(message); },
      [this](const SlotEnded& message) { slot_ended(message); },
      [this](const CallChanged& message) { changed(*message.row); },
      [this](const OfferLlm& message) { offer(message); },
      [this](const SubmitWish& message) { submit(message); },
      [this](const CancelWish& message) { cancel(message.task); },
      [this](const AcquireWish& message) { acquire(message); },
      [this](const MarkSlot& message) { caf::anon_send(x_setup.house.broker, message); },
      [this](const ReleaseSlot& message) { caf::anon_send(x_setup.house.broker, message); },
      [this](const WatchWish& message) { watch(message); },
      [this](const CallLater& message) { call_later(message); },
      [this](const LaterTick& message) { call_now(message); },
      [this](WithdrawPlugin) { withdraw(); },
  };
}

PluginActor::behavior_type plugin_actor(PluginActor::stateful_pointer<PluginState> self,
                                        PluginSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
