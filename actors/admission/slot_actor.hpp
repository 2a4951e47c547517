// One slot that an app waits for or holds, for a call it makes itself (mission A5). It stands in
// its profile's queue like a task, and takes no backend. What it is and when its lease is over is
// core's Slot; both budgets are the profile's to keep.
//
// Spawned by the broker for each AcquireSlot; retires when it has ended and the profile has let it
// go. Persists nothing but its call row: after a restart it is gone, and so is what it held.
#pragma once

#include <memory>
#include <optional>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "core/admission/slot.hpp"

namespace signalbox::actors {

struct SlotSetup {
  SlotRequest request;
  CallNumber call = 0;
  SlotListener listener;
  bool wants_position = false;
  ProfileActor profile;
  House house;
  std::shared_ptr<WallClock> wall;
};

class SlotState {
 public:
  explicit SlotState(SlotActor::pointer self) : x_self{self} {}
  static inline const char* name = "slot";

  SlotActor::behavior_type make_behavior(SlotSetup setup);

 private:
  /// Where it stands with its profile.
  enum class Place : std::uint8_t { queued, slot, leaving, left };

  void enter();
  void granted(const TurnGranted& message);
  void expired(const BudgetExpired& message);
  void tick();
  void set_tick(Duration delay);
  void ask_position();
  void dropped();
  /// @param error what the listener is told; `none` when it was given back.
  void end(const SlotOutcome& outcome, Error error);
  void retire_when_done();
  /// Does `change` to the slot if it is held. @returns what it is then, or slot_not_found.
  template <class Change>
  SlotAnswer change(Change change);
  SlotAnswer release(const SlotOutcome& outcome);
  [[nodiscard]] SlotAnswer answer() const;

  void note_row();
  [[nodiscard]] SlotStatus status() const;
  [[nodiscard]] TaskId turn() const { return TaskId{x_slot->request().id.bytes}; }
  [[nodiscard]] Instant now() const;
  [[nodiscard]] WallTime wall() const { return x_setup.wall->now(); }

  SlotActor::pointer x_self;
  SlotSetup x_setup;
  std::optional<Slot> x_slot;
  Place x_place = Place::queued;
  /// As the listener was told; 0 = not yet.
  std::size_t x_position = 0;
  std::uint64_t x_tick_generation = 0;
  bool x_is_retiring = false;
};

SlotActor::behavior_type slot_actor(SlotActor::stateful_pointer<SlotState> self, SlotSetup setup);

}  // namespace signalbox::actors
