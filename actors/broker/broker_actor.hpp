// The root: it gives a new call its task and its profile, and knows which task has an actor.
//
// Spawned first, stopped last but for the store. Everything it knows is in the store or comes from
// the configuration and the directory, so a new one starts where the last one was killed.
#pragma once

#include <caf/result.hpp>
#include <caf/typed_response_promise.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "actors/tasks/recent_streams.hpp"
#include "actors/tasks/task_actor.hpp"

namespace signalbox::actors {

/// Profiles there can be; an unknown name beyond them is refused.
inline constexpr std::size_t profiles_max = 10'000;

/// Agents there can be.
inline constexpr std::size_t agents_max = 10'000;

/// Pools that can have a choice of their own.
inline constexpr std::size_t pools_max = 10'000;

struct BrokerSettings {
  /// What unknown profiles get.
  ProfileSettings profile_defaults;
  std::map<std::string, ProfileSettings> profiles;
  ChoiceKind default_choice = ChoiceKind::least_loaded;
  std::map<std::string, ChoiceKind> pools;
  std::vector<Agent> agents;
  CommitMode commit = CommitMode::sync;
  std::uint32_t max_attempts = 3;
  /// Tasks that wait without a caller, over all profiles.
  std::size_t max_backlog = 1'000'000;
  /// Pending tasks found in the store, in enqueue order, by profile.
  std::map<std::string, std::vector<WaiterRequest>> backlog;
};

class BrokerState {
 public:
  explicit BrokerState(BrokerActor::pointer self) : x_self{self} {}
  static inline const char* name = "broker";

  BrokerActor::behavior_type make_behavior(BrokerSettings settings, Ports ports);

 private:
  void close(const caf::error& reason);

  struct Profile {
    ProfileActor actor;
    ProfileSettings settings;
    bool is_auto_registered = false;
  };
  struct LiveTask {
    TaskActor actor;
    /// Ids of repeated calls that wait for it.
    std::vector<TaskId> aliases;
    /// Counts in x_backlog_count until it is over or has its turn.
    bool is_in_backlog = false;
  };

  // Calls (broker_calls.cpp).
  void submit(SubmitTask& message);
  std::optional<Error> route(SubmitTask& message);
  bool watch_key_owner(const SubmitTask& message);
  void spawn_task(SubmitTask& message, Profile& profile);
  void keep_refused(SubmitTask& message, Error error);
  void watch(const WatchTask& message);
  void tell_stored_end(const WatchTask& message, const Task& task);
  TaskActor spawn_for_row(Task task, std::optional<Listeners::Listener> listener);
  void caller_gone(const CallerGone& message);
  void order_end(OrderEnd message);
  void backlog_granted(BacklogGranted& message);
  void leave_backlog();
  void task_actor_gone(TaskActorGone& message);
  void refuse(const SubmitTask& message, Error error);
  void change_routing(const RoutingChanged& message);
  void note_refused(const Task& task, const Error& error);
  caf::result<Done> shelve_all();
  TaskSetup setup_for(TaskPtr task, const Profile& profile) const;

  // Slots (broker_slots.cpp).
  struct HeldSlot {
    SlotActor actor;
    std::string owner;
  };
  void acquire_slot(AcquireSlot& message);
  void refuse_slot(const AcquireSlot& message, Error error);
  [[nodiscard]] const SlotActor* find_slot(const SlotKey& key) const;
  template <class Message>
  caf::result<SlotAnswer> to_slot(Message& message);
  caf::result<SlotAnswer> mark_slot(MarkSlot& message);
  caf::result<SlotAnswer> renew_slot(RenewSlot& message);
  caf::result<SlotAnswer> release_slot(ReleaseSlot& message);
  void drop_slot(const DropSlot& message);
  void slot_gone(const SlotGone& message);
  void end_slots();

  // Profiles (broker_profiles.cpp).
  Profile* find_or_make_profile(const std::string& profile_name);
  Profile& make_profile(const std::string& profile_name, ProfileSettings settings, bool is_auto);
  void restore_profiles();
  caf::result<ProfileStatus> configure(const ConfigureProfile& message);
  void profile_stored(const std::string& profile_name, const StoreResult& result,
                      caf::typed_response_promise<ProfileStatus> promise);
  void apply_profiles(const ApplyProfiles& message);
  caf::result<ProfileList> list_profiles();
  caf::result<ProfileStatus> get_profile(const std::string& profile_name);
  caf::result<Positions> find_positions(const FindPositions& message);

  // Pools (broker_pools.cpp).
  void restore_pools();
  caf::result<Done> configure_pool(const ConfigurePool& message);
  void apply_pools(const ApplyPools& message);

  // Agents (broker_agents.cpp).
  void restore_agents();
  [[nodiscard]] AgentAnswer get_agent(const std::string& agent_name) const;
  [[nodiscard]] AgentList list_agents() const;
  caf::result<AgentAnswer> put_agent(const PutAgent& message);
  caf::result<AgentAnswer> delete_agent(const std::string& agent_name);
  caf::result<AgentAnswer> store_agent(const AgentAnswer& answer, std::string document);

  // Documents.
  using OnStored = std::function<void(const StoreResult&)>;
  void store_document(PutDocument document, OnStored on_stored);
  void stored(const StoreAnswer& message);

  BrokerActor::pointer x_self;
  BrokerSettings x_settings;
  Ports x_ports;
  /// Shared with every task.
  std::shared_ptr<const House> x_house = std::make_shared<const House>();
  std::shared_ptr<const RoutingTable> x_table = std::make_shared<const RoutingTable>();
  /// Sorted: listed by name.
  std::map<std::string, Profile> x_profiles;
  /// Looked up by id; iterated only to stop them all.
  std::unordered_map<TaskId, LiveTask> x_tasks;
  std::unordered_map<TaskId, TaskId> x_aliases;
  RecentStreams x_recent_streams;
  std::size_t x_backlog_count = 0;
  /// Waiting and held. Looked up by id; iterated only to stop them all.
  std::unordered_map<SlotId, HeldSlot> x_slots;
  /// Those with a choice of their own, which the directory has.
  std::set<std::string> x_pools;
  /// Sorted: listed by name.
  std::map<std::string, Agent> x_agents;
  /// Documents on their way to the disk, by cookie.
  std::map<std::uint64_t, OnStored> x_documents;
  std::uint64_t x_next_cookie = 1;
  bool x_is_draining = false;
  /// Tasks were told to wait for the next start.
  bool x_is_stopping = false;
};

/// Why nothing new is accepted.
Error draining();
/// @param param what names the profile.
Error too_many_profiles(std::string param);

BrokerActor::behavior_type broker_actor(BrokerActor::stateful_pointer<BrokerState> self,
                                        BrokerSettings settings, Ports ports);

}  // namespace signalbox::actors
