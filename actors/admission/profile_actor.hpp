// One profile: its slots, its three queues, its two budgets. All decisions are ProfileScheduler's;
// this file asks the directory for leases, tells tasks and slots their turn and keeps one timer for
// the next deadline.
//
// Spawned by the broker on first use or from the configuration; lives as long as the broker.
// Persists nothing: after a restart the broker hands it its backlog again.
#pragma once

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"

namespace signalbox::actors {

class ProfileState {
 public:
  explicit ProfileState(ProfileActor::pointer self) : x_self{self} {}
  static inline const char* name = "profile";

  ProfileActor::behavior_type make_behavior(std::string profile, ProfileSettings settings,
                                            House house);

 private:
  [[nodiscard]] Instant now() const;
  /// As the directory knows it.
  [[nodiscard]] RequesterId requester() const;
  void reserve(const ReserveTurn& message);
  void watch(const WatchTurn& message);
  void refused(const LeaseRefused& message);
  void restore(const RestoreTurns& message);
  void expire();
  /// Asks for leases, grants what can be granted, sets the timer. After every change.
  void pump();
  void tell_turn(Grant&& grant);
  /// The lease leaves this actor's hand.
  ExecutorActor take_executor(const Lease& lease);
  /// One whose actor is not there yet is told when it is.
  void tell_yield(TaskId id);
  void set_timer();
  [[nodiscard]] ProfileStatus status() const;

  ProfileActor::pointer x_self;
  House x_house;
  std::optional<ProfileScheduler> x_scheduler;
  /// Slots, and tasks that have an actor; the backlog's have none. Looked up by id, never iterated.
  std::unordered_map<TaskId, TurnClient> x_clients;
  /// By the number of the lease in hand: whoever left the house must not live on here.
  std::map<std::uint32_t, ExecutorActor> x_executors;
  std::optional<Instant> x_timer;
  std::uint64_t x_timer_generation = 0;
};

ProfileActor::behavior_type profile_actor(ProfileActor::stateful_pointer<ProfileState> self,
                                          std::string profile, ProfileSettings settings,
                                          House house);

}  // namespace signalbox::actors
