// The directory: which executors there are, what they can run, and who holds a lease on them. All
// decisions are DirectoryBook's. Spawned and stopped with the broker; what it knows comes anew from
// executors after a restart.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"

namespace signalbox::actors {

class DirectoryState {
 public:
  explicit DirectoryState(DirectoryActor::pointer self) : x_self{self} {}
  static inline const char* name = "directory";

  DirectoryActor::behavior_type make_behavior(std::shared_ptr<WallClock> wall, BrokerActor broker,
                                              BreakerRules breaker);

 private:
  void acquire(const AcquireLease& message);
  void put(const PutLlms& message);
  void serve_line();
  LlmsClaimed claim(const ClaimLlms& message);
  void send_wakes();
  void wake_failed(const WakeFailed& message);
  void set_choices(const SetChoices& message);
  /// What the book does next happens now.
  void pass_time();
  /// Those in line are served again when they may be though nothing happens.
  void set_line_timer();
  /// Presence or capacity changed: a new table for the broker, new capacities for the profiles.
  void publish();
  void tell_capacities();
  void subscribe(const std::string& target, const ProfileActor& profile);

  DirectoryActor::pointer x_self;
  std::shared_ptr<WallClock> x_wall;
  BrokerActor x_broker;
  DirectoryBook x_book;
  std::map<ExecutorId, ExecutorActor> x_executors;
  /// Who stands in which line.
  std::map<std::pair<RequesterId, std::string>, LeaseClient> x_clients;
  struct Subscription {
    std::vector<ProfileActor> profiles;
    CapacityList told;
  };
  std::map<std::string, Subscription> x_subscriptions;
  /// When the tick that is under way comes. A later one is of an older generation.
  std::optional<Instant> x_line_at;
  std::uint64_t x_line_generation = 0;
};

DirectoryActor::behavior_type directory_actor(DirectoryActor::stateful_pointer<DirectoryState> self,
                                              std::shared_ptr<WallClock> wall, BrokerActor broker,
                                              BreakerRules breaker);

}  // namespace signalbox::actors
