#include "core/tasks/task.hpp"

namespace signalbox {

std::string_view to_string(TaskState state) {
  switch (state) {
    case TaskState::pending:
      return "pending";
    case TaskState::claimed:
      return "claimed";
    case TaskState::running:
      return "running";
    case TaskState::completed:
      return "completed";
    case TaskState::error:
      return "error";
    case TaskState::cancelled:
      return "cancelled";
  }
  return "error";
}

std::optional<TaskState> parse_task_state(std::string_view word) {
  for (std::uint8_t number = 0; number < task_state_count; ++number) {
    const auto state = static_cast<TaskState>(number);
    if (to_string(state) == word) return state;
  }
  return std::nullopt;
}

std::string_view to_string(TaskKind kind) {
  switch (kind) {
    case TaskKind::chat:
      return "chat";
    case TaskKind::completion:
      return "completion";
    case TaskKind::embedding:
      return "embedding";
    case TaskKind::native_chat:
      return "native_chat";
  }
  return "chat";
}

std::optional<TaskKind> parse_task_kind(std::string_view word) {
  for (const TaskKind kind :
       {TaskKind::chat, TaskKind::completion, TaskKind::embedding, TaskKind::native_chat}) {
    if (to_string(kind) == word) return kind;
  }
  return std::nullopt;
}

std::string_view to_string(Attempt::Outcome outcome) {
  switch (outcome) {
    case Attempt::Outcome::open:
      return "open";
    case Attempt::Outcome::completed:
      return "completed";
    case Attempt::Outcome::failed:
      return "failed";
    case Attempt::Outcome::lost:
      return "lost";
    case Attempt::Outcome::returned:
      return "returned";
    case Attempt::Outcome::cancelled:
      return "cancelled";
    case Attempt::Outcome::preempted:
      return "preempted";
  }
  return "failed";
}

StateSet successors(TaskState state) {
  using enum TaskState;
  switch (state) {
    case pending:
      return {claimed, error, cancelled};
    // A plain call has no first byte of its own: it goes from claimed to its end.
    case claimed:
      return {pending, claimed, running, completed, error, cancelled};
    case running:
      return {pending, claimed, completed, error, cancelled};
    case completed:
    case TaskState::error:
    case cancelled:
      return {};
  }
  return {};
}

}  // namespace signalbox
