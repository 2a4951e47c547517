// What code inside the process does to take part in admission: ask for a slot, say how its call
// goes on, give the slot back. It stands in the same queues as everybody.
//
// An actor sends AcquireSlot to the broker (slot_messages.hpp) and wraps the SlotAdmitted it gets
// into a HeldSlot; a thread calls acquire_slot() and gets the HeldSlot.
#pragma once

#include <caf/actor_system.hpp>
#include <optional>
#include <string>

#include "actors/messages.hpp"
#include "actors/ports.hpp"

namespace signalbox::actors {

/// A slot for as long as this lives; moved, never copied. Every member sends and returns at once.
/// A slot whose inference budget is over has been taken back: what is said of it then goes nowhere.
class HeldSlot {
 public:
  HeldSlot(BrokerActor broker, SlotStatus status)
      : x_broker{std::move(broker)}, x_status{std::move(status)} {}
  ~HeldSlot() { give_back(); }
  HeldSlot(HeldSlot&& other) noexcept
      : x_broker{std::move(other.x_broker)},
        x_status{std::move(other.x_status)},
        x_outcome{std::move(other.x_outcome)} {
    other.x_broker = nullptr;
  }
  HeldSlot& operator=(HeldSlot&& other) noexcept;
  HeldSlot(const HeldSlot&) = delete;
  HeldSlot& operator=(const HeldSlot&) = delete;

  [[nodiscard]] const SlotStatus& status() const { return x_status; }

  /// The call to the LLM server begins.
  void mark_started_http() { say(SlotMark::started_http); }
  void mark_first_token() { say(SlotMark::first_token); }
  /// How the call went, for its row; `ok` unless said.
  /// @param error_kind one word that can be counted. @param error_detail for people.
  void fail(std::string error_kind, std::string error_detail = {}) {
    x_outcome = {CallStatus::error, std::move(error_kind), std::move(error_detail)};
  }
  void fail_by_timeout() { x_outcome = {CallStatus::inference_timeout, "inference_timeout", {}}; }
  /// Gives it back now; nothing may be said of it after.
  void give_back();

 private:
  void say(SlotMark mark);
  [[nodiscard]] SlotKey key() const { return {x_status.request.id, x_status.request.owner, false}; }

  /// Null once given back.
  BrokerActor x_broker;
  SlotStatus x_status;
  SlotOutcome x_outcome;
};

/// What a plugin asks for; the budgets are the profile's unless given.
struct SlotWish {
  std::string profile;
  Priority priority = Priority::workflow;
  std::optional<Duration> queue_wait = {};
  std::optional<Duration> inference = {};
  std::string owner = "plugin";
  std::string description = {};
};

/// @returns the message for it, without listener: the slot is held by a handle, not by a lease.
AcquireSlot slot_request(SlotWish wish, IdSource& ids);

/// Waits for the admission, at most as long as the queue wait budget: never to be called by an
/// actor. @returns queue_full, queue_wait_timeout, draining, invalid_request.
Result<HeldSlot> acquire_slot(caf::actor_system& system, const BrokerActor& broker, IdSource& ids,
                              SlotWish wish);

}  // namespace signalbox::actors
