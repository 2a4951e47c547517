// The events of one watched task as text, numbered so that a reader who was cut off can go on where
// it was (docs/protocol.md, "A task's stream"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/tasks/task.hpp"

namespace signalbox::http {

/// What a reader has seen, as `<attempt>.<chunks of it>.<state>`; `end` in place of the state once
/// it has the row.
struct EventId {
  std::uint32_t attempt = 0;
  /// Chunks of that attempt so far.
  std::uint64_t chunk = 0;
  TaskState state = TaskState::pending;
  bool is_end = false;

  friend bool operator==(const EventId&, const EventId&) = default;
};

std::string to_string(const EventId& id);
/// @returns nothing when `text` is no such id.
std::optional<EventId> parse_event_id(std::string_view text);

class TaskEvents {
 public:
  /// @param seen by the reader before it was cut off.
  explicit TaskEvents(std::optional<EventId> seen = {})
      : x_at{seen.value_or(EventId{})}, x_is_resumed{seen.has_value()} {}

  /// Each returns the events to send now, possibly none.

  /// The task is in that state (first call: already).
  std::string moved(const Task& task, WallTime at);
  /// @param events whole events of the backend. @param first_event number of the first one with
  /// data, from 1 in each attempt.
  std::string passed(std::string_view events, std::uint64_t first_event);
  /// What came so far was of an attempt that is over.
  std::string reset(const Task& task);
  /// @param tail the stream's last event, may be empty. @param row the task's, as JSON.
  std::string ended(const Task& task, std::string_view tail, std::string row);

 private:
  [[nodiscard]] std::string status(const Task& task, WallTime at) const;

  /// What the reader has, this stream's events and those of before.
  EventId x_at;
  bool x_is_resumed;
  /// A state was told, or was known.
  bool x_is_live = false;
};

}  // namespace signalbox::http
