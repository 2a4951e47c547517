#include "actors/broker/broker_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/messages/sent.hpp"

namespace signalbox::actors {
namespace {

/// What a caller who comes while the broker stops is told to wait.
constexpr double draining_retry_s = 5;

}  // namespace

Error draining() {
  return make_error(ErrorCode::draining, "the broker is shutting down")
      .retry_after(draining_retry_s);
}

Error too_many_profiles(std::string param) {
  return invalid_request("there are " + std::to_string(profiles_max) + " profiles already",
                         std::move(param));
}

// Whoever it spawned goes with it; their rows are in the store.
void BrokerState::close(const caf::error& reason) {
  for (const auto& [id, live] : x_tasks) x_self->send_exit(live.actor, reason);
  for (const auto& [id, slot] : x_slots) x_self->send_exit(slot.actor, reason);
  for (const auto& [profile_name, profile] : x_profiles) x_self->send_exit(profile.actor, reason);
  x_self->quit(reason);
}

void BrokerState::store_document(PutDocument document, OnStored on_stored) {
  const std::uint64_t cookie = x_next_cookie++;
  x_documents.emplace(cookie, std::move(on_stored));
  x_self->send(x_house->store, StoreWrite{std::move(document), x_self, cookie});
}

void BrokerState::stored(const StoreAnswer& message) {
  const auto place = x_documents.find(message.cookie);
  if (place == x_documents.end()) return;
  const OnStored on_stored = std::move(place->second);
  x_documents.erase(place);
  on_stored(message.result);
}

BrokerActor::behavior_type BrokerState::make_behavior(BrokerSettings settings, Ports ports) {
  x_settings = std::move(settings);
  x_ports = std::move(ports);
  x_self->set_exit_handler([this](const caf::exit_msg& message) { close(message.reason); });
  // What every call needs comes first: CAF tries them in order.
  return {
      sent([this](SubmitTask& message) { submit(message); }),
      sent([this](TaskActorGone& message) { task_actor_gone(message); }),
      [this](const StoreAnswer& message) { stored(message); },
      [this](const OpenHouse& message) {
        x_house = std::make_shared<const House>(message.house);
        restore_agents();
        restore_pools();
        restore_profiles();
      },
      [this](const CallerGone& message) { caller_gone(message); },
      [this](const WatchTask& message) { watch(message); },
      [this](OrderEnd& message) { order_end(std::move(message)); },
      [this](BacklogGranted& message) { backlog_granted(message); },
      [this](const RoutingChanged& message) { change_routing(message); },
      [this](BeginDrain) { x_is_draining = true; },
      [this](ShelveTasks) { return shelve_all(); },
      [this](AcquireSlot& message) { acquire_slot(message); },
      [this](MarkSlot& message) { return mark_slot(message); },
      [this](RenewSlot& message) { return renew_slot(message); },
      [this](ReleaseSlot& message) { return release_slot(message); },
      [this](const DropSlot& message) { drop_slot(message); },
      [this](const SlotGone& message) { slot_gone(message); },
      [this](const CancelTask& message) {
        const bool is_told = message.error.code != ErrorCode::none;
        order_end({message.task,
                   is_told ? message.error
                           : make_error(ErrorCode::task_cancelled, "the task was cancelled")});
        return Done{};
      },
      [this](const ConfigureProfile& message) { return configure(message); },
      [this](const ApplyProfiles& message) {
        apply_profiles(message);
        return Done{};
      },
      [this](ListProfiles) { return list_profiles(); },
      [this](const GetProfile& message) { return get_profile(message.name); },
      [this](const ConfigurePool& message) { return configure_pool(message); },
      [this](const ApplyPools& message) {
        apply_pools(message);
        return Done{};
      },
      [this](const FindPositions& message) { return find_positions(message); },
      [this](ListAgents) { return list_agents(); },
      [this](const GetAgent& message) { return get_agent(message.name); },
      [this](const PutAgent& message) { return put_agent(message); },
      [this](const DeleteAgent& message) { return delete_agent(message.name); },
  };
}

BrokerActor::behavior_type broker_actor(BrokerActor::stateful_pointer<BrokerState> self,
                                        BrokerSettings settings, Ports ports) {
  return self->state.make_behavior(std::move(settings), std::move(ports));
}

}  // namespace signalbox::actors
