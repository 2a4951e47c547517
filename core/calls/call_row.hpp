// One row per call of any kind (mission A9): what it asked for, how long it waited, how long it
// ran, how it ended.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "core/base/token_usage.hpp"
#include "core/tasks/task.hpp"

namespace signalbox {

enum class CallStatus : std::uint8_t {
  queued = 0,
  running = 1,
  ok = 2,
  queue_full = 3,
  queue_wait_timeout = 4,
  inference_timeout = 5,
  error = 6,
  cancelled = 7,
};

/// What a task's call asks for; `slot` is a call that an app makes itself. The first are TaskKind's
/// numbers; stored and never reused.
enum class CallKind : std::uint8_t {
  chat = 0,
  completion = 1,
  embedding = 2,
  native_chat = 3,
  slot = 4,
};

std::string_view to_string(CallKind kind);
CallKind call_kind_of(TaskKind kind);

std::string_view to_string(CallStatus status);
std::optional<CallStatus> parse_call_status(std::string_view word);

/// @returns how a call that ended with `code` is shown (`none` = ok).
CallStatus call_status_for(ErrorCode code);

/// Times are zero where not yet reached.
struct CallRow {
  IdBytes id{};
  CallKind kind = CallKind::chat;
  std::string profile;
  Priority priority = Priority::workflow;
  std::string model;
  std::string pool;
  /// LLM name of the backend that ran it last.
  std::string backend;
  std::string owner;
  std::string description;
  std::string request_id;
  bool streaming = false;
  std::uint32_t attempts = 0;
  /// Attempts that were given up for a call of a better class.
  std::uint32_t preemptions = 0;
  CallStatus status = CallStatus::queued;
  std::string error_kind;
  std::string error_detail;
  WallTime queued_at{};
  WallTime admitted_at{};
  WallTime started_http_at{};
  WallTime first_token_at{};
  WallTime finished_at{};
  /// The splits come from the actor clock, so they are right across wall clock steps. Unit: ms; < 0
  /// = not known.
  double queue_wait_ms = -1;
  double service_time_ms = -1;
  double total_latency_ms = -1;
  /// What the backend counted; while a stream runs, and where it ends without a count, `out` is the
  /// number of its events.
  TokenUsage tokens;

  friend bool operator==(const CallRow&, const CallRow&) = default;
};

/// @returns the row of a call that has just come.
CallRow new_call_row(const Task& task);

}  // namespace signalbox
