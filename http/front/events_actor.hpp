// The live event stream: gathers what changes and hands it, as text made once, to all who listen.
//
//   metrics ──CallChanged──▶ latest row per call ──every 200 ms──▶ `event: call` ...
//   broker, directory, registrar, store ──every second──▶ `event: state`
//
// Spawned with the server, stopped after it. Asks and computes nothing while nobody listens.
// Persists nothing. A listener that does not read has a bounded box, and is dropped alone.
#pragma once

#include <caf/typed_actor.hpp>
#include <map>
#include <memory>
#include <vector>

#include "actors/messages/messages.hpp"
#include "http/front/event_text.hpp"
#include "http/front/reply_box.hpp"

namespace signalbox::http {

/// Listeners there can be at once; each has a thread.
inline constexpr std::size_t event_listeners_max = 64;
/// Unread text at which a listener is dropped. Unit: bytes.
inline constexpr std::size_t event_unread_bytes_max = 4U << 20U;

struct BeginEvents {
  actors::CallNumber listener = 0;
  std::shared_ptr<ReplyBox> reply_box;
  EventScope scope;
};

/// It has gone, or is to go.
struct EndEvents {
  actors::CallNumber listener = 0;
};

/// To itself.
struct CallsTick {};
struct StateTick {
  std::uint64_t generation = 0;
};

using EventsActor = actors::CallWatcher::extend<
    caf::reacts_to<BeginEvents>,  // answered in its box: a state, then calls and states
    caf::reacts_to<EndEvents>, caf::reacts_to<CallsTick>, caf::reacts_to<StateTick>>;

struct EventsSetup {
  actors::House house;
  std::shared_ptr<TaskStore> store;
  std::string version;
};

class EventsState {
 public:
  explicit EventsState(EventsActor::pointer self) : x_self{self} {}
  static inline const char* name = "events";

  EventsActor::behavior_type make_behavior(EventsSetup setup);

 private:
  struct Listener {
    std::shared_ptr<ReplyBox> reply_box;
    EventScope scope;
    /// Was sent a state; calls follow.
    bool has_begun = false;
  };
  struct Gathering;

  void begin(BeginEvents& message);
  void end(actors::CallNumber number);
  void drop(actors::CallNumber number);
  void note(actors::CallChanged& message);
  void tell_calls();
  void ask_for_state();
  void tell_state(Gathering& gathering);
  /// @returns false when the listener is too slow; it has been told so.
  static bool put(const Listener& listener, Bytes text);

  EventsActor::pointer x_self;
  EventsSetup x_setup;
  Instant x_started_at{};
  std::map<actors::CallNumber, Listener> x_listeners;
  /// Changed since calls were told last, the latest row of each.
  std::map<IdBytes, std::shared_ptr<const CallRow>> x_changed;
  bool x_is_calls_tick_due = false;
  /// Answers for a state are out.
  bool x_is_asking = false;
  std::uint64_t x_generation = 0;
};

EventsActor::behavior_type events_actor(EventsActor::stateful_pointer<EventsState> self,
                                        EventsSetup setup);

}  // namespace signalbox::http

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::BeginEvents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::EndEvents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::CallsTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::http::StateTick)
