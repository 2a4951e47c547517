// Messages about workers that bind (mission B4-B7): between whoever speaks to a worker (the HTTP
// front, a simulated network), the registrar and the worker's session. They stay inside the
// process.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/messages/call_messages.hpp"
#include "core/backends/push_worker.hpp"
#include "core/backends/worker_session.hpp"

namespace signalbox::actors {

// -- to whoever holds a worker's channel ------------------------------------------------------

struct ChannelOpened {
  /// As in BindWorker.
  CallNumber channel = 0;
};

/// What the worker is told.
struct WorkerFrame {
  struct Infer {
    TaskPtr task;
    /// The caller's body; `model` in it is to be replaced by the one below.
    Bytes request;
    std::string llm;
    /// The backend's own id.
    std::string model;
    std::uint32_t attempt = 0;
  };
  struct Wake {
    /// The wake's own id.
    TaskId id;
    std::string llm;
  };
  struct Cancel {
    TaskId task;
  };
  struct Drain {
    /// The broker stops, and will be back: no reason for the worker to leave.
    bool is_stopping = false;
  };
  CallNumber channel = 0;
  std::variant<Infer, Wake, Cancel, Drain> frame;
};

/// The channel is over: refused, replaced by a later one, or its session ended.
struct ChannelClosed {
  CallNumber channel = 0;
  /// `none` unless it was refused.
  Error error;
};

// -- to the registrar -------------------------------------------------------------------------

/// Which session, and who asks for it. Another owner's is not there for those without the grant.
struct SessionKey {
  SessionId session;
  std::string owner;
  bool sees_all = false;
};

struct RegisterWorker {
  /// A session that is not known is taken as new. Nil = a new one.
  SessionKey key;
  std::string address;
  std::vector<OfferedLlm> llms;
};

/// Answered by ChannelOpened or ChannelClosed to `handle`; then frames follow.
struct BindWorker {
  SessionKey key;
  CallNumber channel = 0;
  WorkerChannel handle;
};

/// The connection of a channel is gone.
struct UnbindWorker {
  SessionId session;
  CallNumber channel = 0;
};

struct WorkerHeartbeat {
  SessionKey key;
  /// What it says of its LLMs, by name.
  std::vector<std::pair<std::string, LlmStatus>> llms;
};

struct WorkerChunks {
  SessionKey key;
  TaskId task;
  /// Set when the worker named the attempt it means.
  std::optional<std::uint32_t> attempt;
  /// `data` of the backend's events, in order.
  std::vector<std::string> data;
  /// Zero = not known.
  Instant received_at{};
};

struct WorkerResult {
  struct Whole {
    int status = 200;
    std::string content_type;
    /// Null when there was none (a wake).
    Bytes body;
  };
  /// After chunks.
  struct StreamDone {};
  SessionKey key;
  TaskId task;
  std::optional<std::uint32_t> attempt;
  std::variant<Whole, StreamDone, BackendFailed> outcome;
  /// Zero = not known.
  Instant received_at{};
};

struct DrainWorker {
  SessionKey key;
};

struct LeaveWorker {
  SessionKey key;
};

struct GetWorker {
  SessionKey key;
};

struct ListWorkers {
  std::string owner;
  bool sees_all = false;
};

/// Sessions that have been inactive for too long are deleted.
struct CollectSessions {
  Duration inactive_retention{};
};

// -- between the registrar, its sessions, the directory and tasks ------------------------------

struct WakeLlm {
  std::string llm;
};

struct WakeFailed {
  std::string llm;
  /// wake_failed or wake_timeout.
  Error error;
};

/// What a session may call its own now.
struct ClaimLlms {
  ExecutorId id = 0;
  ExecutorActor executor;
  std::vector<Llm> llms;
  /// All or nothing.
  bool is_atomic = false;
};

struct LlmsClaimed {
  /// Names that others own.
  std::vector<std::string> refused;
};

/// To the session that had that name, while it was away.
struct LlmTaken {
  std::string llm;
};

struct RemoveExecutor {
  ExecutorId id = 0;
};

/// From a task to whoever brought its result.
struct ResultStored {
  TaskId task;
  Epoch epoch = 0;
  /// `none` when the result is durable; stale_claim when the task ended otherwise.
  Error error;
};

struct SessionEnded {
  SessionId session;
  ExecutorId executor = 0;
};

struct SessionTick {
  std::uint64_t generation = 0;
};

// -- answers ----------------------------------------------------------------------------------

/// What is known of a worker with a server of its own.
struct PushFacts {
  /// The worker's own id; it has no session.
  std::string id;
  std::vector<std::string> models;
  std::string device;
  std::string implementation;
  std::string version;
  std::string url;
  PushStatus status = PushStatus::stale;
};

struct SessionStatus {
  SessionId session;
  /// Set for push workers.
  std::optional<PushFacts> push = {};
  std::string owner;
  std::string address;
  SessionState state = SessionState::inactive;
  bool is_bound = false;
  WallTime connected_at{};
  WallTime last_heartbeat_at{};
  WallTime inactive_since{};
  /// As the directory sees them.
  std::vector<Llm> llms;
  std::uint32_t capacity = 0;
  std::uint32_t in_flight = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
};

struct SessionAnswer {
  Error error;
  SessionStatus status;
};

struct WorkerReply {
  Error error;
  /// This result was accepted before.
  bool is_duplicate = false;
};

struct WorkerList {
  /// Sessions in the order of ids, which is that of first registration, then push workers by id.
  std::vector<SessionStatus> workers;
};

}  // namespace signalbox::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ChannelOpened)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WorkerFrame)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ChannelClosed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RegisterWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::BindWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::UnbindWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WorkerHeartbeat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WorkerChunks)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WorkerResult)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::DrainWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LeaveWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::GetWorker)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ListWorkers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::CollectSessions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WakeLlm)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WakeFailed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ClaimLlms)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LlmsClaimed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::LlmTaken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::RemoveExecutor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::ResultStored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SessionEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SessionTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::SessionAnswer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WorkerReply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::actors::WorkerList)
