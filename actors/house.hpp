// Builds the house: spawns the actors that exist once, in order, and introduces them to each other.
// The daemon, the tests and the simulator all start here; they differ in the ports and in
// `is_detached`.
#pragma once

#include <caf/actor_system.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "actors/backends/push_desk_actor.hpp"
#include "actors/backends/registrar_actor.hpp"
#include "actors/broker/broker_actor.hpp"
#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "config/settings.hpp"
#include "core/backends/circuit_breaker.hpp"

namespace signalbox::actors {

struct HouseOptions {
  BrokerSettings broker;
  RegistrarSettings registrar;
  PushDeskSettings push_desk;
  /// Of every LLM's breaker.
  BreakerRules breaker;
  /// Sessions that were inactive for this long are deleted. Unit: s.
  std::uint32_t session_retention_s = 14'400;
  /// Unset = nothing is collected.
  std::optional<config::GcSettings> gc;
  /// The store is given each operation by itself: commits cost nothing on a virtual clock, but the
  /// messages that gather them do.
  bool has_batches = true;
  /// Keep call rows. Without, the house has no MetricsActor, and nobody may ask for one.
  bool has_call_rows = true;
  /// @returns who stands before the StoreActor for everybody else: a disk with manners of its own.
  /// Null = nobody does.
  std::function<StoreActor(caf::actor_system&, StoreActor)> before_store;
  /// The StoreActor on a thread of its own: commits block on the disk. Off in simulation.
  bool is_detached = false;
};

/// @returns the pending tasks by profile, as the broker wants them. To be called before
/// build_house(), on the thread that builds: claimed and running rows become pending again.
Result<std::map<std::string, std::vector<WaiterRequest>>> recover_backlog(
    TaskStore& store, std::uint32_t max_attempts, WallTime now);

House build_house(caf::actor_system& system, HouseOptions options, Ports ports);

/// Accepts no more: the broker refuses calls, workers are told.
void begin_drain(const House& house);

/// Stops them: broker and directory first, the store last. An exit overtakes what is in a mailbox:
/// call rows that shall not be lost are sent to the store by SaveCalls before, and the store is
/// given the time to write.
void close_house(caf::actor_system& system, const House& house);

}  // namespace signalbox::actors
