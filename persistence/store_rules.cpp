#include "persistence/store_rules.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace signalbox::persistence {
namespace {

std::optional<Error> too_long(std::string_view what, std::string_view text, std::size_t max) {
  if (text.size() <= max) return std::nullopt;
  return make_error(ErrorCode::invalid_request, "The " + std::string{what} + " is longer than " +
                                                    std::to_string(max) + " bytes.");
}

struct Malformed {
  std::optional<Error> operator()(const InsertTask& op) const {
    if (op.task->state != TaskState::pending) {
      return make_error(ErrorCode::invalid_request, "A new task must be pending.");
    }
    if (auto error = too_long("pool name", op.task->pool, name_bytes_max)) return error;
    if (auto error = too_long("owner name", op.task->owner, name_bytes_max)) return error;
    return too_long("idempotency hash", op.task->idempotency_hash, idempotency_hash_bytes_max);
  }

  std::optional<Error> operator()(const MoveTask& op) const {
    if (auto error = too_long("name of the LLM", op.backend, name_bytes_max)) return error;
    return too_long("name of the claiming executor", op.claimed_by, name_bytes_max);
  }

  std::optional<Error> operator()(const PutDocument& op) const {
    if (auto error = too_long("document kind", op.kind, document_kind_bytes_max)) return error;
    return too_long("document name", op.name, document_name_bytes_max);
  }

  std::optional<Error> operator()(const DeleteTask&) const { return std::nullopt; }
  std::optional<Error> operator()(const PutCallRows&) const { return std::nullopt; }
  std::optional<Error> operator()(const DeleteCallRows&) const { return std::nullopt; }
};

bool passes(const std::string& filter, const std::string& value) {
  return filter.empty() || filter == value;
}

}  // namespace

std::optional<Error> malformed(const StoreOp& op) {
  return std::visit(Malformed{}, op);
}

bool matches(const TaskQuery& query, const Task& task) {
  if (!query.states.empty() && std::ranges::find(query.states, task.state) == query.states.end()) {
    return false;
  }
  if (query.priority && *query.priority != task.priority) return false;
  return passes(query.pool, task.pool) && passes(query.llm, task.llm) &&
         passes(query.agent, task.agent) && passes(query.owner, task.owner);
}

std::size_t page_size(const TaskQuery& query) {
  return std::clamp<std::size_t>(query.limit, 1, page_tasks_max);
}

}  // namespace signalbox::persistence
