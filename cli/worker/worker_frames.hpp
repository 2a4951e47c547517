// What the broker says to a worker on its event stream, as data.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/tasks/task.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::cli {

/// Run this.
struct InferFrame {
  std::string task;
  /// The id by which the local server knows the model, empty = not said.
  std::string model;
  TaskKind kind = TaskKind::chat;
  /// The caller's body, raw JSON.
  std::string request;
  bool is_streaming = false;
  /// Counts the claims of the task; goes back with every answer. 0 = not said.
  std::uint64_t attempt = 0;
  friend bool operator==(const InferFrame&, const InferFrame&) = default;
};

/// Make the local server ready. `task` is the wake's own id.
struct WakeFrame {
  std::string task;
  friend bool operator==(const WakeFrame&, const WakeFrame&) = default;
};

/// Stop running this; nothing more is to be sent for it.
struct CancelFrame {
  std::string task;
  friend bool operator==(const CancelFrame&, const CancelFrame&) = default;
};

/// No more tasks will come. With `retry` the broker restarts and wants the worker back after that
/// time; without it an operator wants the worker gone.
struct DrainFrame {
  std::optional<std::chrono::milliseconds> retry;
  friend bool operator==(const DrainFrame&, const DrainFrame&) = default;
};

using WorkerFrame = std::variant<InferFrame, WakeFrame, CancelFrame, DrainFrame>;

/// @returns nothing for comments, for events of another name, and for those that make no sense.
std::optional<WorkerFrame> parse_frame(const http::SseEvent& event);

/// @returns whether `text` may be an id of the broker's: 1-128 of [A-Za-z0-9._-], so that it can
/// stand in a path as it is.
bool is_wire_id(std::string_view text);

}  // namespace signalbox::cli
