// Messages about slots that apps hold for calls they make themselves (mission A5): between whoever
// holds one (the HTTP front, a plugin, a simulation), the broker and the slot. They stay inside the
// process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "actors/messages/call_messages.hpp"
#include "core/admission/slot.hpp"

namespace signalbox::actors {

/// Answered by SlotAdmitted or SlotEnded to `listener`.
struct AcquireSlot {
  CallNumber call = 0;
  SlotListener listener;
  /// With a new id; the two budgets are the profile's unless given here.
  SlotRequest request;
  std::optional<Duration> queue_wait;
  std::optional<Duration> inference;
  /// Is told where it stands in the queue (SlotWaiting).
  bool wants_position = false;
};

struct SlotStatus {
  SlotRequest request;
  WallTime admitted_at{};
  /// Unit: ms.
  double queue_wait_ms = 0;
};

// -- to whoever asked for it ------------------------------------------------------------------

/// Once at first and whenever it changes, at most once a second.
struct SlotWaiting {
  CallNumber call = 0;
  SlotId slot;
  /// 1 = the next.
  std::size_t position = 0;
  double estimated_wait_s = 0;
};

struct SlotAdmitted {
  CallNumber call = 0;
  SlotStatus status;
};

/// Nothing comes after it.
struct SlotEnded {
  CallNumber call = 0;
  SlotId slot;
  /// `none` when it was given back.
  Error error;
};

// -- about one slot ---------------------------------------------------------------------------

/// Who asks, and for which slot. Another owner's is not there.
struct SlotKey {
  SlotId slot;
  std::string owner;
  bool sees_all = false;
};

struct MarkSlot {
  SlotKey key;
  SlotMark mark = SlotMark::started_http;
};

struct RenewSlot {
  SlotKey key;
};

struct ReleaseSlot {
  SlotKey key;
  SlotOutcome outcome = {};
};

struct SlotAnswer {
  /// slot_not_found when it has ended, or is another owner's.
  Error error;
  SlotStatus status;
  /// As it is now.
  std::shared_ptr<const CallRow> row;
};

/// The holder's connection, or handle, is gone.
struct DropSlot {
  SlotId slot;
};

/// The broker takes it back.
struct EndSlot {
  Error error;
};

struct SlotTick {
  std::uint64_t generation = 0;
};

/// Answered by Retire.
struct SlotGone {
  SlotId slot;
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AcquireSlot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SlotWaiting)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SlotAdmitted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SlotEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::MarkSlot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RenewSlot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ReleaseSlot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SlotAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::DropSlot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::EndSlot)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SlotTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SlotGone)
