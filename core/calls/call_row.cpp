#include "core/calls/call_row.hpp"

namespace signalbox {

std::string_view to_string(CallKind kind) {
  if (kind == CallKind::slot) return "slot";
  return to_string(static_cast<TaskKind>(kind));
}

CallKind call_kind_of(TaskKind kind) {
  return static_cast<CallKind>(kind);
}

std::string_view to_string(CallStatus status) {
  switch (status) {
    case CallStatus::queued:
      return "queued";
    case CallStatus::running:
      return "running";
    case CallStatus::ok:
      return "ok";
    case CallStatus::queue_full:
      return "queue_full";
    case CallStatus::queue_wait_timeout:
      return "queue_wait_timeout";
    case CallStatus::inference_timeout:
      return "inference_timeout";
    case CallStatus::error:
      return "error";
    case CallStatus::cancelled:
      return "cancelled";
  }
  return "error";
}

std::optional<CallStatus> parse_call_status(std::string_view word) {
  for (std::uint8_t number = 0; number <= static_cast<std::uint8_t>(CallStatus::cancelled);
       ++number) {
    const auto status = static_cast<CallStatus>(number);
    if (to_string(status) == word) return status;
  }
  return std::nullopt;
}

CallStatus call_status_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::none:
      return CallStatus::ok;
    case ErrorCode::queue_full:
      return CallStatus::queue_full;
    case ErrorCode::queue_wait_timeout:
      return CallStatus::queue_wait_timeout;
    case ErrorCode::inference_timeout:
      return CallStatus::inference_timeout;
    case ErrorCode::task_cancelled:
      return CallStatus::cancelled;
    default:
      return CallStatus::error;
  }
}

CallRow new_call_row(const Task& task) {
  CallRow row;
  row.id = task.id.bytes;
  row.kind = call_kind_of(task.kind);
  row.profile = task.profile;
  row.priority = task.priority;
  row.model = task.model;
  row.pool = task.pool;
  row.owner = task.owner;
  row.description = task.description;
  row.request_id = task.request_id;
  row.streaming = task.streaming;
  row.attempts = task.attempts;
  row.preemptions = task.preemptions;
  row.queued_at = task.created_at;
  return row;
}

}  // namespace signalbox
