// Messages about push workers (mission C): between whoever hears them (the HTTP front, a simulated
// network) and the desk that knows them. They stay inside the process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <string>

#include "actors/messages/worker_messages.hpp"
#include "core/backends/push_worker.hpp"

namespace signalbox::actors {

struct HearPushWorker {
  std::string owner;
  PushHeartbeat heartbeat;
};

/// To the desk itself.
struct StaleTick {
  std::uint64_t generation = 0;
};

struct PushAnswer {
  /// `none` when it was taken.
  Error error;
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::HearPushWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::StaleTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::PushAnswer)
