// Messages to a profile's actor. Like call_messages.hpp, they stay inside the process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/messages/handles.hpp"
#include "core/admission/profile_scheduler.hpp"
#include "core/backends/lease.hpp"

namespace signalbox::actors {

struct ReserveTurn {
  WaiterRequest request;
  /// Skips the second step: the row need not be durable first.
  bool is_ready = false;
  TurnClient client;
  /// Key of the calls that are to stay on one backend; empty = none.
  std::string session = {};
};

struct EnqueueTurn {
  TaskId task;
  /// Nobody watches it: forget its actor, tell the broker when its turn comes.
  bool is_backlog = false;
};

struct WatchTurn {
  TaskId id;
  TaskActor task;
  /// Inference budget of a task that has its slot already. Zero = not known.
  Duration inference{};
  /// How often it was sent back so far.
  std::uint32_t preemptions = 0;
};

/// Nobody watches any more; answered TurnUnwatched, after which a grant goes to the broker.
struct UnwatchTurn {
  TaskId task;
  TaskActor confirm_to;
};

/// The slot is given back; waits again under its old number.
struct RequeueTurn {
  TaskId task;
  /// Zero = no limit.
  Duration queue_wait{};
  /// It was told to.
  bool is_preempted = false;
};

struct LeaveProfile {
  TaskId task;
  /// Told when no grant can be on its way any more; for those who leave before their turn.
  std::optional<TurnClient> confirm_to;
  /// What it took, of one that had a slot, as far as its backend said.
  TokenUsage usage = {};
  /// It had a slot and came to the end it was to come to.
  bool is_done = false;
};

struct RestoreTurns {
  std::shared_ptr<const std::vector<WaiterRequest>> turns;
};

struct CapacityChanged {
  std::string target;
  CapacityList capacities;
};

struct DeadlineTick {
  std::uint64_t generation = 0;
};

struct GetOccupancy {};

struct Reconfigure {
  ProfileSettings settings;
};

struct FindPosition {
  TaskId task;
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ReserveTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::EnqueueTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WatchTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::UnwatchTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RequeueTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaveProfile)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RestoreTurns)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CapacityChanged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::DeadlineTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::GetOccupancy)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::Reconfigure)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::FindPosition)
