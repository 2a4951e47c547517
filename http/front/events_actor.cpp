#include "http/front/events_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

namespace signalbox::http {
namespace {

/// A call that changes several times within this is told once.
constexpr std::chrono::milliseconds calls_interval{200};
constexpr std::chrono::seconds state_interval{1};
/// Changed calls that are told at once, however short the time.
constexpr std::size_t changed_max = 1000;
constexpr std::chrono::seconds answer_patience{10};

}  // namespace

/// A state on its way together.
struct EventsState::Gathering {
  HouseState state;
  unsigned open = 4;
  bool has_failed = false;
};

void EventsState::begin(BeginEvents& message) {
  x_listeners[message.listener] = {std::move(message.reply_box), std::move(message.scope), false};
  if (!x_is_asking) ask_for_state();
}

void EventsState::end(actors::CallNumber number) {
  const auto place = x_listeners.find(number);
  if (place == x_listeners.end()) return;
  place->second.reply_box->put(HungUp{});
  drop(number);
}

void EventsState::drop(actors::CallNumber number) {
  x_listeners.erase(number);
  if (!x_listeners.empty()) return;
  x_changed.clear();
  ++x_generation;
  // Else a listener that comes now would be told a state, and no calls.
  if (x_is_asking) return;
  x_self->send(x_setup.house.metrics, actors::UnwatchCalls{actors::CallWatcher{x_self}});
}

bool EventsState::put(const Listener& listener, Bytes text) {
  return listener.reply_box->put(EventText{std::move(text)});
}

void EventsState::note(actors::CallChanged& message) {
  if (x_listeners.empty()) return;
  const IdBytes id = message.row->id;
  x_changed[id] = std::move(message.row);
  if (x_changed.size() >= changed_max) {
    tell_calls();
  } else if (!x_is_calls_tick_due) {
    x_is_calls_tick_due = true;
    x_self->delayed_send(x_self, calls_interval, CallsTick{});
  }
}

void EventsState::tell_calls() {
  if (x_changed.empty() || x_listeners.empty()) return;
  const Bytes text = make_bytes(call_events(x_changed));
  x_changed.clear();
  std::vector<actors::CallNumber> slow;
  for (const auto& [number, listener] : x_listeners) {
    if (listener.has_begun && !put(listener, text)) slow.push_back(number);
  }
  for (const actors::CallNumber number : slow) drop(number);
}

// Calls are watched before the first state is told: what a listener then asks for by itself is at
// least as old as the first call it is told of.
void EventsState::ask_for_state() {
  x_is_asking = true;
  ++x_generation;
  auto gathering = std::make_shared<Gathering>();
  const auto answered = [this, gathering](bool is_good) {
    if (!is_good) gathering->has_failed = true;
    if (--gathering->open == 0) tell_state(*gathering);
  };
  const auto failed = [answered](const caf::error&) { answered(false); };
  const actors::House& house = x_setup.house;
  x_self->request(house.metrics, answer_patience, actors::WatchCalls{actors::CallWatcher{x_self}})
      .then([answered](const actors::Done&) { answered(true); }, failed);
  x_self->request(house.broker, answer_patience, actors::ListProfiles{})
      .then(
          [answered, gathering](actors::ProfileList& list) {
            gathering->state.profiles = std::move(list.profiles);
            answered(true);
          },
          failed);
  x_self->request(house.directory, answer_patience, actors::ListLlms{})
      .then(
          [answered, gathering](const actors::LlmList& list) {
            gathering->state.table = list.table;
            answered(true);
          },
          failed);
  x_self->request(house.registrar, answer_patience, actors::ListWorkers{"", true})
      .then(
          [answered, gathering](actors::WorkerList& list) {
            gathering->state.workers = std::move(list.workers);
            answered(true);
          },
          failed);
}

// An answer that did not come leaves the readers without a state for once, which they notice.
void EventsState::tell_state(Gathering& gathering) {
  x_is_asking = false;
  if (x_listeners.empty()) {
    x_self->send(x_setup.house.metrics, actors::UnwatchCalls{actors::CallWatcher{x_self}});
    return;
  }
  x_self->delayed_send(x_self, state_interval, StateTick{x_generation});
  const auto counts = x_setup.store->task_counts();
  if (gathering.has_failed || counts.has_error()) return;
  HouseState& state = gathering.state;
  state.tasks = *counts;
  state.uptime_s = to_seconds(x_self->clock().now() - x_started_at);
  state.version = x_setup.version;
  // What each may see differs, mostly it does not.
  std::map<EventScope, Bytes> texts;
  std::vector<actors::CallNumber> slow;
  for (auto& [number, listener] : x_listeners) {
    Bytes& text = texts[listener.scope];
    if (!text) text = make_bytes(state_event(state, listener.scope));
    listener.has_begun = true;
    if (!put(listener, text)) slow.push_back(number);
  }
  for (const actors::CallNumber number : slow) drop(number);
}

EventsActor::behavior_type EventsState::make_behavior(EventsSetup setup) {
  x_setup = std::move(setup);
  x_started_at = x_self->clock().now();
  return {
      [this](actors::CallChanged& message) { note(message); },
      [this](BeginEvents& message) { begin(message); },
      [this](const EndEvents& message) { end(message.listener); },
      [this](CallsTick) {
        x_is_calls_tick_due = false;
        tell_calls();
      },
      [this](const StateTick& message) {
        const bool is_due = message.generation == x_generation && !x_is_asking;
        if (is_due && !x_listeners.empty()) ask_for_state();
      },
  };
}

EventsActor::behavior_type events_actor(EventsActor::stateful_pointer<EventsState> self,
                                        EventsSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::http
