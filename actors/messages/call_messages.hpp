// Messages about one call: to whoever watches it, to the broker, to its TaskActor. They stay inside
// the process, carry shared pointers and handles, and are never serialised (docs/adr/0002).
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/messages/handles.hpp"
#include "core/backends/lease.hpp"
#include "core/backends/llm.hpp"
#include "core/policies/waiter_view.hpp"
#include "core/ports.hpp"
#include "core/tasks/task.hpp"

namespace signalbox::actors {

/// Names one call of one listener; chosen by the listener, never reused by it.
using CallNumber = std::uint64_t;

// -- to whoever watches a task ----------------------------------------------------------------

/// What response headers tell about a call; empty or negative where not known.
struct CallFacts {
  TaskId task;
  std::string profile;
  Priority priority = Priority::workflow;
  double queue_wait_ms = -1;
  std::string backend;
  std::uint32_t attempts = 0;
};

struct TaskRefused {
  CallNumber call = 0;
  CallFacts facts;
  Error error;
};

struct TaskAccepted {
  CallNumber call = 0;
  TaskPtr task;
};

struct TaskBegan {
  CallNumber call = 0;
  CallFacts facts;
  std::string content_type;
};

struct TaskData {
  CallNumber call = 0;
  Bytes data;
  /// Number of the first event in `data` that carries data, from 1 in each attempt.
  std::uint64_t first_event = 1;
  /// When it came from the backend; zero when it was held since.
  Instant received_at{};
};

/// A part of a stream that is kept for those who come late.
struct StreamPart {
  Bytes data;
  /// As in TaskData.
  std::uint64_t first_event = 1;
};
/// Parts in order; those that had to go are missing at the front. A list, since most tasks keep
/// none: empty it is no allocation, made or moved.
using HeldStream = std::list<StreamPart>;

/// To observers, once at the beginning and then on every transition but the last.
struct TaskMoved {
  CallNumber call = 0;
  TaskPtr task;
  WallTime at{};
};

/// To observers: what came of the stream so far was of an attempt that is over.
struct TaskReset {
  CallNumber call = 0;
  TaskPtr task;
};

struct TaskEnded {
  CallNumber call = 0;
  CallFacts facts;
  TaskPtr task;
  /// The response body, null without one.
  Bytes body;
  /// The last event of a stream that this listener was sent, null otherwise.
  Bytes tail;
  /// `none` when it completed.
  Error error;
  /// When the end came from the backend; zero when there was none, or when it was held since.
  Instant received_at{};
};

// -- to the broker ----------------------------------------------------------------------------

/// The actors that exist once.
struct House {
  BrokerActor broker;
  DirectoryActor directory;
  StoreActor store;
  MetricsActor metrics;
  RegistrarActor registrar;
  PushDeskActor push_desk;
  /// None in houses that collect nothing.
  std::optional<GcActor> collector;
};

struct OpenHouse {
  House house;
};

struct SubmitTask {
  CallNumber call = 0;
  TaskListener listener;
  /// What the caller asked for and who it is, with a new id; pool, llm, model, tier and (unless
  /// given) profile are filled in by the broker.
  Task task;
  Bytes request;
  /// An LLM, a pool or a model id.
  std::string target;
  /// Only an LLM of that name will do.
  bool is_llm_only = false;
  /// Set when the caller gave them, else the profile's hold.
  std::optional<Duration> queue_wait;
  std::optional<Duration> inference;
  /// Answer when it is durable, not when it has ended.
  bool is_async = false;
  /// A task all the same when nobody has ever offered the target; with `fail_fast` also when nobody
  /// who has is there, and then it ends at once with `no_backend`.
  bool takes_absent = false;
  /// Key of the calls that are to stay on one backend; empty = none. Not kept over restarts.
  std::string session = {};
  /// What its caller says of its size, for policies that look at it. Not kept over restarts.
  CallSize size = {};
};

struct CallerGone {
  /// The id it was submitted under.
  TaskId task;
  CallNumber call = 0;
  TaskListener listener;
};

struct CancelTask {
  TaskId task;
  /// What it ends with; `none` = task_cancelled.
  Error error = {};
};

/// The listener is told the end, and what is still held of a stream before it.
struct WatchTask {
  CallNumber call = 0;
  TaskListener listener;
  TaskId task;
  /// The id under which the listener may say CallerGone; nil = `task`.
  TaskId alias;
  /// Is told every transition and what is held of the stream, and does not count as a caller: the
  /// task does not end because it leaves.
  bool is_observer = false;
  /// Of a task that has ended, what is still known of its stream is told before its end.
  bool wants_past = false;
};

struct TaskActorGone {
  TaskId task;
  /// Set when the task lives on as a row: to be queued there, without an actor.
  std::optional<ProfileActor> backlog_of;
  /// Of a task that has ended and that nobody waited for.
  HeldStream stream = {};
};

/// Ends a task that is not over, whoever holds it.
struct OrderEnd {
  TaskId task;
  /// task_cancelled or task_expired.
  Error error;
  /// Given = only if is_overdue() still: it may have run since whoever orders this looked.
  std::optional<WallTime> pending_before = {};
};

struct BacklogGranted {
  TaskId task;
  std::string profile;
  Lease lease;
  ExecutorActor executor;
  Duration queue_wait{};
};

struct RoutingChanged {
  std::shared_ptr<const RoutingTable> table;
};

struct BeginDrain {};

struct ShelveTasks {};

// -- to a task --------------------------------------------------------------------------------

struct TurnReserved {};

struct TurnRefused {
  Error error;
};

struct TurnGranted {
  Lease lease;
  ExecutorActor executor;
  Duration queue_wait{};
};

/// Answered RequeueTurn when its call has stopped, KeepTurn when it cannot be stopped now, or not
/// at all when it leaves its slot anyway.
struct YieldTurn {};

/// To its profile: its caller has seen a part of the answer, or its backend is being changed.
struct KeepTurn {
  TaskId task;
};

struct LeftProfile {};

struct TurnUnwatched {};

struct LeaseWithdrawn {};

struct Retire {};

struct BudgetExpired {
  ErrorCode code = ErrorCode::none;
  /// A guess at when another try makes sense. Unit: s.
  double retry_after_s = 0;
  /// No backend was there that could have run it.
  bool is_unserved = false;
};

struct BackendReport {
  /// The claim it is about; reports of earlier claims are ignored.
  Epoch epoch = 0;
  BackendEvent event;
  /// Of the last event: told when what it says is durable, or that it counts no more.
  ResultClient receipt = {};
};

struct RetryTick {
  Epoch epoch = 0;
};

struct AbortTick {
  /// The claim that was aborted.
  Epoch epoch = 0;
};

struct AddListener {
  CallNumber call = 0;
  TaskListener listener;
  bool is_observer = false;
  /// As in WatchTask.
  bool wants_past = false;
};

struct RemoveListener {
  CallNumber call = 0;
  TaskListener listener;
};

struct ShelveTask {};

struct EndTask {
  /// task_cancelled or task_expired.
  Error error;
  /// As in OrderEnd.
  std::optional<WallTime> pending_before = {};
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskRefused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskAccepted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskBegan)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskData)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskMoved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskReset)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::OpenHouse)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SubmitTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CallerGone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CancelTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WatchTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TaskActorGone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::OrderEnd)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::BacklogGranted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RoutingChanged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::BeginDrain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ShelveTasks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ShelveTask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TurnReserved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TurnRefused)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TurnGranted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::YieldTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::KeepTurn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeftProfile)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::TurnUnwatched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaseWithdrawn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::Retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::BudgetExpired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::BackendReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RetryTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AbortTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::AddListener)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RemoveListener)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::EndTask)
