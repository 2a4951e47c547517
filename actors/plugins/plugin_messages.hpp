// Messages from a plugin's threads to its actor. They stay inside the process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "actors/messages/slot_messages.hpp"
#include "actors/plugin.hpp"

namespace signalbox::actors {

struct OfferLlm {
  plugin::LlmOffer offer;
  std::shared_ptr<plugin::Backend> backend;
};

struct SubmitWish {
  /// The plugin knows it already.
  TaskId task;
  plugin::TaskWish wish;
  plugin::TaskWatch watch;
};

struct CancelWish {
  TaskId task;
};

struct AcquireWish {
  plugin::SlotWish wish;
  std::function<void(plugin::SlotGrant)> on_end;
};

struct WatchWish {
  std::function<void(const plugin::CallEvent&)> on_call;
};

struct CallLater {
  Duration delay{};
  std::function<void()> what;
};

struct LaterTick {
  std::uint64_t number = 0;
};

struct WithdrawPlugin {};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::OfferLlm)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SubmitWish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CancelWish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AcquireWish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WatchWish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CallLater)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LaterTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WithdrawPlugin)
