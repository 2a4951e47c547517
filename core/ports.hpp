// What the actors need from the outside world, as abstract classes: storage, wall clock, ids,
// backends. The daemon, the tests and the simulator plug in their own; nothing above this file
// knows which.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/time.hpp"
#include "core/calls/call_query.hpp"
#include "core/tasks/task.hpp"

namespace signalbox {

// -- clock and ids
// --------------------------------------------------------------------------------------------------

class WallClock {
 public:
  virtual ~WallClock() = default;
  virtual WallTime now() = 0;
};

class IdSource {
 public:
  virtual ~IdSource() = default;
  /// Strictly rising in byte order within one source.
  virtual IdBytes next() = 0;
};

// -- storage
// --------------------------------------------------------------------------------------------------------

/// Makes a task durable in state pending.
struct InsertTask {
  /// Never null.
  TaskPtr task;
  Bytes request;
};

/// Moves a task. Applied only if its state is in `from` and, when `epoch` is not 0, its epoch is
/// `epoch`.
struct MoveTask {
  TaskId id;
  StateSet from;
  Epoch epoch = 0;
  TaskState to = TaskState::pending;
  /// The claim, for `to` == claimed: who, which new epoch, when. attempts is raised by one.
  std::string claimed_by;
  /// For `to` == claimed: the LLM that is to run it.
  std::string backend;
  Epoch new_epoch = 0;
  /// The moment of the transition: goes to claimed_at, stream_started_at or completed_at by `to`.
  WallTime at{};
  /// For `to` == pending: the worker went away with it (losses is raised by one).
  bool lost = false;
  /// For `to` == pending: it was sent back for a call of a better class (preemptions is raised by
  /// one).
  bool preempted = false;
  /// For `to` == error or cancelled: the task's own. For claimed and pending: why the attempt
  /// before failed, which goes to its entry in the log.
  ErrorCode error_code = ErrorCode::none;
  /// The two below: for `to` == error or cancelled.
  std::string error_message;
  std::int32_t backend_status = 0;
  /// For terminal states: the assembled body, may be null.
  Bytes response;
  std::string response_type;
};

/// A named document that is not a task: a profile or agent made by API, a worker's registration.
struct PutDocument {
  std::string kind;
  std::string name;
  /// Empty = delete it.
  std::string value;
};

/// Removes a terminal task with its bodies and indexes; anything else is left alone.
struct DeleteTask {
  TaskId id;
};

/// Keeps the rows of calls that have ended, each in place of an older one of its id.
struct PutCallRows {
  std::vector<std::shared_ptr<const CallRow>> rows;
};

/// Removes call rows; those that are not there are no matter.
struct DeleteCallRows {
  std::vector<TaskId> ids;
};

using StoreOp =
    std::variant<InsertTask, MoveTask, PutDocument, DeleteTask, PutCallRows, DeleteCallRows>;

/// What became of one StoreOp.
struct StoreResult {
  enum class Outcome : std::uint8_t {
    /// Done; `task` is the row as it is now.
    applied,
    /// Not done: the state or epoch was another; `task` is the row as it is. For InsertTask: the
    /// idempotency key is
    /// taken; `task` is the key's row (compare its request_hash).
    conflict,
    /// There is no such task.
    missing,
    /// The whole batch failed, nothing of it was kept; `error` says why (store_full, store_failed).
    failed,
  };
  Outcome outcome = Outcome::applied;
  /// Null for documents and call rows, for `missing` and `failed`. Shared: a batch hands many rows
  /// to many actors.
  TaskPtr task;
  Error error;
};

enum class BodyKind : std::uint8_t { request = 0, response = 1 };

/// Which tasks to list. Newest first. Empty filters do not filter.
struct TaskQuery {
  std::vector<TaskState> states;
  std::string pool;
  std::string llm;
  std::string agent;
  std::string owner;
  std::optional<Priority> priority;
  /// Continue after this id (the last one of the page before).
  std::optional<TaskId> cursor;
  /// Range: 1..500.
  std::size_t limit = 50;
};

struct TaskPage {
  std::vector<Task> tasks;
  /// Set when there may be more.
  std::optional<TaskId> next_cursor;
};

/// Call rows whose time is over.
struct OldCallRows {
  std::vector<TaskId> ids;
  /// Where to go on; nothing = there are no more.
  std::optional<TaskId> next;
};
/// Tasks by state, indexed by TaskState.
using TaskCounts = std::array<std::uint64_t, task_state_count>;

/// What recovery leaves for the scheduler: enough to queue a task without loading it.
struct PendingTask {
  TaskId id;
  Priority priority = Priority::workflow;
  std::string pool;
  std::string profile;
};

/// The store. Reads may come from any thread at any time and see only what is durable (in relaxed
/// mode: committed). commit() and recover() belong to one thread, the StoreActor's.
class TaskStore {
 public:
  virtual ~TaskStore() = default;

  /// Applies the operations in order in one transaction, synced before it returns. One refused
  /// operation does not spoil the others; an I/O failure fails them all.
  virtual std::vector<StoreResult> commit(std::span<const StoreOp> ops) = 0;

  /// Once, before anything else: claimed and running tasks go back to pending, or to error
  /// `worker_lost` when attempts - preemptions >= max_attempts. Calls `visit` for every pending
  /// task in enqueue (id) order.
  virtual Result<void> recover(std::uint32_t max_attempts, WallTime now,
                               const std::function<void(PendingTask)>& visit) = 0;

  [[nodiscard]] virtual Result<std::optional<Task>> load(TaskId id) const = 0;
  /// @returns null when there is no such body.
  [[nodiscard]] virtual Result<Bytes> load_body(TaskId id, BodyKind kind) const = 0;
  [[nodiscard]] virtual Result<TaskPage> list(const TaskQuery& query) const = 0;
  [[nodiscard]] virtual Result<std::optional<Task>> find_idempotent(
      std::string_view hash) const = 0;
  /// Costs the same however many tasks there are.
  [[nodiscard]] virtual Result<TaskCounts> task_counts() const = 0;
  /// Sorted by name.
  [[nodiscard]] virtual Result<std::vector<std::pair<std::string, std::string>>> documents(
      std::string_view kind) const = 0;

  /// @returns terminal tasks with completed_at < `before`, the longest finished first, at most
  /// `limit`.
  [[nodiscard]] virtual Result<std::vector<TaskId>> finished_before(WallTime before,
                                                                    std::size_t limit) const = 0;
  /// @returns tasks that is_overdue() (core/tasks/attempt_log.hpp), at most `limit`: queue by queue
  /// (a pool and a priority, in an order of the store's own that stays), oldest first within one.
  /// Costs as much as there are queues, tasks found and tasks as old that came back since `before`.
  [[nodiscard]] virtual Result<std::vector<TaskId>> stale_pending(WallTime before,
                                                                  std::size_t limit) const = 0;

  /// @returns the rows of calls that ended. A page may be short, even empty, and have a cursor.
  [[nodiscard]] virtual Result<CallRowPage> list_calls(const CallQuery& query) const = 0;
  /// Looks at `limit` rows at most, the oldest behind `after` first, up to the first that was made
  /// at `before` or later. @returns those of them with finished_at < `before`, and those that
  /// cannot be read.
  [[nodiscard]] virtual Result<OldCallRows> old_calls(WallTime before, std::optional<TaskId> after,
                                                      std::size_t limit) const = 0;

  /// Starts of the daemon on this store, this one included; the high half of every epoch.
  [[nodiscard]] virtual std::uint32_t boot_counter() const = 0;
};

// -- backends
// -------------------------------------------------------------------------------------------------------

/// One call to a backend's HTTP surface.
struct BackendCall {
  TaskId task;
  TaskKind kind = TaskKind::chat;
  /// The caller's body, to be sent with `model` replaced by the backend's own id.
  Bytes request;
  /// The backend's id for the model; empty = leave the body's.
  std::string model;
  /// The caller asked for a stream.
  bool streaming = false;
  std::string request_id;
  std::string traceparent;
};

/// The backend answered: headers are in.
struct BackendBegan {
  int status = 200;
  std::string content_type;
};
/// Whole server-sent events, exactly the backend's bytes, in order; never the final [DONE].
struct BackendEvents {
  Bytes data;
  /// Events in `data` that carry data.
  std::uint32_t count = 1;
  /// When they had come. Zero = not known.
  Instant received_at{};
};
/// The end. For streams: `body` is assembled from the events, `tail` holds the final event
/// ([DONE]).
struct BackendFinished {
  int status = 200;
  std::string content_type;
  Bytes body;
  Bytes tail;
  /// When all of it had come. Zero = not known.
  Instant received_at{};
};
/// The end, otherwise. `error.code` is backend_unreachable, backend_error or backend_stream_failed.
struct BackendFailed {
  Error error;
  /// Another try, here or elsewhere, may do better (connect failure, 429, 5xx, cut).
  bool retryable = false;
};
/// The end, otherwise: whoever ran it is gone, or gave it back.
struct BackendLost {
  /// Given back in good order: says nothing against the task.
  bool is_clean = false;
  std::string reason;
};
using BackendEvent =
    std::variant<BackendBegan, BackendEvents, BackendFinished, BackendFailed, BackendLost>;

/// Gets the events of one call, from a thread of the backend's. Must not block. Exactly one
/// BackendFinished, BackendFailed or BackendLost comes, and nothing after it; after cancel() it may
/// be any of them.
using BackendListener = std::function<void(BackendEvent)>;

/// Joins the data of a stream's events to the body that a plain call would have been answered with.
class StreamJoiner {
 public:
  virtual ~StreamJoiner() = default;
  virtual void add(std::string_view data) = 0;
  [[nodiscard]] virtual std::string body() const = 0;
};
using MakeStreamJoiner = std::function<std::unique_ptr<StreamJoiner>(TaskKind)>;

struct BackendModel {
  std::string id;
};

/// A server that runs inference when asked over HTTP.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Starts a call and returns at once. @returns a number that cancel() takes; never 0.
  virtual std::uint64_t start(BackendCall call, BackendListener listener) = 0;

  /// Ends a call early: its connection is closed. Unknown numbers are ignored. Returns at once.
  virtual void cancel(std::uint64_t call_number) = 0;

  /// Asks what models there are, also used as the health check. `done` is called once, from a
  /// thread of the backend's.
  virtual void list_models(std::function<void(Result<std::vector<BackendModel>>)> done) = 0;
};

}  // namespace signalbox
