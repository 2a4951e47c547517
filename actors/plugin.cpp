#include "actors/plugin.hpp"

#include <caf/actor_cast.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace signalbox::actors {

HeldSlot& HeldSlot::operator=(HeldSlot&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  x_broker = std::move(other.x_broker);
  other.x_broker = nullptr;
  x_status = std::move(other.x_status);
  x_outcome = std::move(other.x_outcome);
  return *this;
}

void HeldSlot::give_back() {
  if (!x_broker) return;
  caf::anon_send(x_broker, ReleaseSlot{key(), std::move(x_outcome)});
  x_broker = nullptr;
}

void HeldSlot::say(SlotMark mark) {
  if (x_broker) caf::anon_send(x_broker, MarkSlot{key(), mark});
}

AcquireSlot slot_request(SlotWish wish, IdSource& ids) {
  AcquireSlot acquire;
  acquire.request.id = SlotId{ids.next()};
  acquire.request.profile = std::move(wish.profile);
  acquire.request.priority = wish.priority;
  acquire.request.owner = std::move(wish.owner);
  acquire.request.description = std::move(wish.description);
  acquire.queue_wait = wish.queue_wait;
  acquire.inference = wish.inference;
  return acquire;
}

Result<HeldSlot> acquire_slot(caf::actor_system& system, const BrokerActor& broker, IdSource& ids,
                              SlotWish wish) {
  caf::scoped_actor self{system};
  AcquireSlot acquire = slot_request(std::move(wish), ids);
  // It takes every message, and waits for these two.
  acquire.listener = caf::actor_cast<SlotListener>(self);
  self->send(broker, std::move(acquire));
  std::optional<SlotStatus> admitted;
  Error error;
  self->receive([&](SlotAdmitted& message) { admitted = std::move(message.status); },
                [&](SlotEnded& message) { error = std::move(message.error); });
  if (admitted) return HeldSlot{broker, std::move(*admitted)};
  return {boost::system::in_place_error, std::move(error)};
}

}  // namespace signalbox::actors
