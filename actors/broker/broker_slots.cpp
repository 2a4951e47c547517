// What the broker does for slots: give a new one its profile and actor; find the one that is meant.
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/admission/slot_actor.hpp"
#include "actors/broker/broker_actor.hpp"

namespace signalbox::actors {

void BrokerState::acquire_slot(AcquireSlot& message) {
  SlotRequest& request = message.request;
  if (x_is_draining) {
    refuse_slot(message, draining());
    return;
  }
  Profile* profile = find_or_make_profile(request.profile);
  if (profile == nullptr) {
    refuse_slot(message, too_many_profiles("profile"));
    return;
  }
  const ProfileSettings& settings = profile->settings;
  request.queue_wait = message.queue_wait.value_or(from_seconds(settings.default_queue_wait_s));
  request.inference = message.inference.value_or(from_seconds(settings.default_inference_s));
  const SlotId id = request.id;
  std::string owner = request.owner;
  SlotSetup setup{std::move(request), message.call, message.listener, message.wants_position,
                  profile->actor,     *x_house,     x_ports.wall};
  x_slots[id] = {x_self->spawn(slot_actor, std::move(setup)), std::move(owner)};
}

void BrokerState::refuse_slot(const AcquireSlot& message, Error error) {
  x_self->send(message.listener, SlotEnded{message.call, message.request.id, std::move(error)});
}

const SlotActor* BrokerState::find_slot(const SlotKey& key) const {
  const auto place = x_slots.find(key.slot);
  if (place == x_slots.end()) return nullptr;
  const bool is_visible = key.sees_all || place->second.owner == key.owner;
  return is_visible ? &place->second.actor : nullptr;
}

template <class Message>
caf::result<SlotAnswer> BrokerState::to_slot(Message& message) {
  const SlotActor* slot = find_slot(message.key);
  if (slot != nullptr) return x_self->delegate(*slot, std::move(message));
  SlotAnswer missing;
  missing.error = make_error(ErrorCode::slot_not_found, "there is no such slot");
  return missing;
}

caf::result<SlotAnswer> BrokerState::mark_slot(MarkSlot& message) {
  return to_slot(message);
}

caf::result<SlotAnswer> BrokerState::renew_slot(RenewSlot& message) {
  return to_slot(message);
}

caf::result<SlotAnswer> BrokerState::release_slot(ReleaseSlot& message) {
  return to_slot(message);
}

void BrokerState::drop_slot(const DropSlot& message) {
  const auto place = x_slots.find(message.slot);
  if (place != x_slots.end()) x_self->send(place->second.actor, message);
}

void BrokerState::slot_gone(const SlotGone& message) {
  const auto place = x_slots.find(message.slot);
  if (place == x_slots.end()) return;
  x_self->send(place->second.actor, Retire{});
  x_slots.erase(place);
}

void BrokerState::end_slots() {
  for (const auto& [id, slot] : x_slots) x_self->send(slot.actor, EndSlot{draining()});
}

}  // namespace signalbox::actors
