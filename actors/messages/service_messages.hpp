// Messages of the actors that serve all calls: broker, directory, executors, store, metrics; and
// the answers of requests. Like call_messages.hpp, they stay inside the process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages/call_messages.hpp"
#include "actors/messages/handles.hpp"
#include "core/admission/profile_scheduler.hpp"
#include "core/backends/agent.hpp"
#include "core/backends/directory.hpp"
#include "core/backends/lease.hpp"
#include "core/backends/llm.hpp"
#include "core/ports.hpp"

namespace signalbox::actors {

// -- to the broker, about profiles ------------------------------------------------------------

/// Fields that are not set stay as they are; an unknown profile is made.
struct ConfigureProfile {
  std::string name;
  std::optional<std::uint32_t> max_concurrent = {};
  std::optional<std::uint32_t> max_queued = {};
  std::optional<double> default_queue_wait_s = {};
  std::optional<double> default_inference_s = {};
  std::optional<std::string> policy = {};
  PolicyOptionsChange options = {};
  std::optional<Preempt> preempt = {};
  std::optional<std::uint32_t> preempt_budget = {};
  /// What tune_slots becomes, which may be nothing.
  std::optional<std::optional<SlotBounds>> tune_slots = {};
};

/// The configuration's profiles, read again; those made by API or on first use stay.
struct ApplyProfiles {
  std::map<std::string, ProfileSettings> profiles;
};

struct ListProfiles {};

struct GetProfile {
  std::string name;
};

/// Where the tasks stand, by their profiles' names.
struct FindPositions {
  std::vector<std::pair<std::string, TaskId>> tasks;
};

// -- to the broker, about pools ---------------------------------------------------------------

/// In force at once, kept over restarts.
struct ConfigurePool {
  std::string name;
  ChoiceKind choice = ChoiceKind::least_loaded;
};

/// The configuration's pools, read again; what was set by API for others stays.
struct ApplyPools {
  ChoiceKind default_choice = ChoiceKind::least_loaded;
  std::map<std::string, ChoiceKind> pools;
};

// -- to the broker, about agents --------------------------------------------------------------

struct ListAgents {};

struct GetAgent {
  std::string name;
};

struct PutAgent {
  Agent agent;
};

/// Answered with the agent as it was.
struct DeleteAgent {
  std::string name;
};

// -- to the directory, and its answers --------------------------------------------------------

struct AcquireLease {
  LeaseRequest request;
  LeaseClient client;
  /// Told of changes of capacity from now on; only profiles want that.
  std::optional<ProfileActor> subscriber;
};

struct WithdrawLease {
  RequesterId requester;
  std::string target;
  /// Told when no lease can come any more; for those who then go.
  std::optional<TaskActor> confirm_to = {};
};

struct ReleaseLease {
  Lease lease;
  LeaseOutcome outcome = LeaseOutcome::untold;
};

/// Those that are not named stay as they are.
struct SetChoices {
  std::optional<ChoiceKind> default_choice;
  std::map<std::string, ChoiceKind> pools;
};

struct ListPools {};

struct LineTick {
  std::uint64_t generation = 0;
};

struct PutLlms {
  ExecutorId id = 0;
  ExecutorActor executor;
  std::vector<Llm> llms;
};

struct SetBackendStatus {
  ExecutorId id = 0;
  LlmStatus status = LlmStatus::inactive;
};

struct ListLlms {};

struct LeaseGranted {
  std::string target;
  Lease lease;
  ExecutorActor executor;
};

struct LeaseParked {
  std::string target;
  /// Its backends are all full; otherwise there is none, or those that have room are passed over.
  bool waits_for_room = false;
};

/// `waits_for_room` of the last LeaseParked is no longer so.
struct LeaseStillParked {
  std::string target;
  bool waits_for_room = false;
};

struct LeaseRefused {
  std::string target;
  /// wake_failed or wake_timeout.
  Error error;
};

// -- to an executor ---------------------------------------------------------------------------

struct RunTask {
  Epoch epoch = 0;
  TaskPtr task;
  Bytes request;
  /// The LLM that is to run it, and the backend's own id for it.
  std::string llm;
  std::string model;
  /// Which one is meant, of an actor that is several.
  ExecutorId executor = 0;
  TaskActor reply_to;
};

struct AbortTask {
  TaskId task;
  Epoch epoch = 0;
};

struct HealthTick {
  std::uint64_t generation = 0;
};

struct ModelsListed {
  Result<std::vector<BackendModel>> models{std::vector<BackendModel>{}};
};

struct CallEnded {
  TaskId task;
  Epoch epoch = 0;
  /// As in RunTask.
  ExecutorId executor = 0;
  /// It was answered.
  bool is_done = false;
  /// No connection could be made.
  bool is_unreachable = false;
};

struct TokenTick {
  TaskId task;
  Epoch epoch = 0;
};

/// Each call that is played ends as lost.
struct LosePlaybacks {
  std::string reason;
};

// -- to the store, and its answers ------------------------------------------------------------

struct StoreWrite {
  StoreOp op;
  /// Null = nobody waits for the answer.
  StoreClient client;
  /// Comes back with the answer.
  std::uint64_t cookie = 0;
};

struct FlushStore {
  /// For what nobody waits for.
  bool is_late = false;
};

struct MeasureCommits {
  MetricsActor metrics;
};

struct StoreAnswer {
  std::uint64_t cookie = 0;
  StoreResult result;
};

// -- to the collector -------------------------------------------------------------------------

struct CollectTick {
  std::uint64_t generation = 0;
};

// -- answers of requests ----------------------------------------------------------------------

struct ProfileStatus {
  std::string name;
  ProfileSettings settings;
  Occupancy occupancy;
  double estimated_wait_s = 0;
  bool is_auto_registered = false;
  /// Why there is none, or why it was not changed; `none` when all is well.
  Error error;
};

struct ProfileList {
  /// Sorted by name.
  std::vector<ProfileStatus> profiles;
};

struct LlmList {
  std::shared_ptr<const RoutingTable> table;
};

struct PoolList {
  /// Sorted by name.
  std::vector<PoolView> pools;
};

struct Position {
  TaskId task;
  std::size_t position = 0;
  double estimated_wait_s = 0;
};

struct Positions {
  /// Only of those that wait.
  std::vector<Position> positions;
};

struct AgentAnswer {
  Error error;
  Agent agent;
};

struct AgentList {
  /// Sorted by name.
  std::vector<Agent> agents;
};

struct Done {
  Error error;
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ConfigureProfile)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ApplyProfiles)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ListProfiles)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::GetProfile)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::FindPositions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ConfigurePool)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ApplyPools)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ListAgents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::GetAgent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::PutAgent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::DeleteAgent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AcquireLease)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WithdrawLease)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ReleaseLease)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SetChoices)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ListPools)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LineTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::PutLlms)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SetBackendStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ListLlms)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaseGranted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaseParked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaseStillParked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaseRefused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RunTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AbortTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::HealthTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ModelsListed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CallEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TokenTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LosePlaybacks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::StoreWrite)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::FlushStore)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::MeasureCommits)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::StoreAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CollectTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ProfileStatus)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ProfileList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LlmList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::PoolList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::Positions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AgentAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AgentList)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::Done)
