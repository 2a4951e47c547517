// The task: one inference, durable from the moment it is acknowledged (mission B1, B2).
//
//             claim            first byte
//   pending ─────────▶ claimed ─────────▶ running ──▶ completed | error | cancelled   (final)
//      ▲ │                │ │                │ ▲
//      │ └─ cancel, error │ └─ any end ──────┼─┘
//      └── worker gone, ──┴──────────────────┘
//          preempted
//
// Every transition is a compare-and-set in the store: it names the states it may start from and,
// once claimed, the claim's epoch, so that a worker that was given up on can change nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/priority.hpp"
#include "core/base/time.hpp"

namespace signalbox {

/// Numbers are stored and never reused.
enum class TaskState : std::uint8_t {
  pending = 0,
  claimed = 1,
  running = 2,
  completed = 3,
  error = 4,
  cancelled = 5,
};
inline constexpr std::size_t task_state_count = 6;

/// What is asked of the backend; decides its path and how a stream is assembled. Numbers are
/// stored.
enum class TaskKind : std::uint8_t {
  chat = 0,
  completion = 1,
  embedding = 2,
  /// LM Studio's own chat API, forwarded as it is.
  native_chat = 3,
};

std::string_view to_string(TaskState state);
std::optional<TaskState> parse_task_state(std::string_view word);
std::string_view to_string(TaskKind kind);
std::optional<TaskKind> parse_task_kind(std::string_view word);

constexpr bool is_terminal(TaskState state) {
  return state >= TaskState::completed;
}

/// A set of states, as a bit per state.
struct StateSet {
  std::uint8_t bits = 0;

  constexpr StateSet() = default;
  constexpr StateSet(std::initializer_list<TaskState> states) {
    for (const TaskState state : states) bits |= bit(state);
  }
  [[nodiscard]] constexpr bool contains(TaskState state) const { return (bits & bit(state)) != 0; }
  friend constexpr bool operator==(StateSet, StateSet) = default;

 private:
  static constexpr std::uint8_t bit(TaskState state) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(state));
  }
};

/// @returns the states that `state` may go to; empty for terminal ones. The one table of legal
/// transitions.
StateSet successors(TaskState state);

inline bool may_go(TaskState from, TaskState to) {
  return successors(from).contains(to);
}

/// Bodies are shared, never copied, between actors and threads.
using Bytes = std::shared_ptr<const std::string>;

inline Bytes make_bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// Fences a claim: boot counter in the high 32 bits, claim number of that boot in the low ones. 0 =
/// no claim.
using Epoch = std::uint64_t;

/// One claim of a task, from then on remembered: which LLM ran it and how that ended.
struct Attempt {
  /// Numbers are stored and never reused.
  enum class Outcome : std::uint8_t {
    /// It goes on.
    open = 0,
    completed = 1,
    failed = 2,
    /// The worker went away with it.
    lost = 3,
    /// Given back without blame: a clean drain, a second bind, a requeue, a stop of the broker.
    returned = 4,
    cancelled = 5,
    /// Sent back for a call of a better class.
    preempted = 6,
  };

  /// Counts from 1, as Task::attempts does.
  std::uint32_t number = 0;
  /// The LLM's name.
  std::string backend;
  std::string claimed_by;
  WallTime claimed_at{};
  /// Zero = it goes on.
  WallTime ended_at{};
  Outcome outcome = Outcome::open;
  /// Why it ended so, when somebody said.
  ErrorCode error_code = ErrorCode::none;

  friend bool operator==(const Attempt&, const Attempt&) = default;
};

std::string_view to_string(Attempt::Outcome outcome);

/// Entries that a task keeps of its attempts; the oldest ones go. Bounds the row, which every
/// transition rewrites.
inline constexpr std::size_t attempt_log_max = 16;

/// The persisted part of a task, without its two bodies. Kept small: every transition rewrites it.
struct Task {
  TaskId id;
  TaskState state = TaskState::pending;
  TaskKind kind = TaskKind::chat;
  Priority priority = Priority::workflow;
  /// The caller asked for a stream.
  bool streaming = false;
  /// Nobody can run it now = an error at once, not a wait.
  bool fail_fast = false;
  /// Bounded by the profile's `max_queued` and its queue budget: somebody's HTTP request waits for
  /// it.
  bool attended = false;

  /// Pool key: siblings under one key share the work. Routing fields are fixed when the task is
  /// made.
  std::string pool;
  /// The LLM that was named, empty when a pool was.
  std::string llm;
  /// The backend's own model id as known at enqueue, or the name asked for.
  std::string model;
  std::string tier;
  std::string profile;
  std::string owner;
  std::string agent;
  /// The caller's free text for the call row, at most 200 bytes.
  std::string description;
  std::string request_id;
  /// W3C trace context handed on to the backend, empty when the caller sent none.
  std::string traceparent;
  /// The caller's JSON object, or empty.
  std::string metadata;

  /// Unit: ms. 0 = no limit of its own (the collector's holds).
  std::int64_t queue_wait_ms = 0;
  /// Unit: ms. Always above 0.
  std::int64_t inference_ms = 0;

  /// The executor that holds it: an upstream's LLM name or a session id; empty unless claimed or
  /// later.
  std::string claimed_by;
  /// The LLM that runs it or ran it; set and cleared with `claimed_by`.
  std::string backend;
  Epoch epoch = 0;
  /// Claims so far.
  std::uint32_t attempts = 0;
  /// Claims that ended because the worker went away; a clean drain does not count.
  std::uint32_t losses = 0;
  /// Claims that were given up for a call of a better class.
  std::uint32_t preemptions = 0;
  /// The last claims, oldest first, at most `attempt_log_max`. Only the last entry may be open, and
  /// it is so exactly in states claimed and running. Claims made before rows had a log are missing.
  std::vector<Attempt> attempt_log;

  WallTime created_at{};
  /// The three below: zero = not yet.
  WallTime claimed_at{};
  WallTime stream_started_at{};
  WallTime completed_at{};

  /// Set in state error (and cancelled), else none.
  ErrorCode error_code = ErrorCode::none;
  std::string error_message;
  /// Of the backend's answer, 0 = none; a 4xx is passed on to whoever asks.
  std::int32_t backend_status = 0;
  /// Content-Type of the response body, empty = application/json.
  std::string response_type;

  /// Idempotency: hash over owner, route and key; empty without a key.
  std::string idempotency_hash;
  /// SHA-256 of the request body, set with `idempotency_hash`.
  std::string request_hash;

  friend bool operator==(const Task&, const Task&) = default;
};

/// A task's row as it was at one moment: shared between actors and threads, never changed.
using TaskPtr = std::shared_ptr<const Task>;

inline TaskPtr share(Task&& task) {
  return std::make_shared<const Task>(std::move(task));
}
inline TaskPtr share(const Task& task) {
  return std::make_shared<const Task>(task);
}

}  // namespace signalbox
