#include "http/surfaces/task_rows.hpp"

namespace signalbox::http {
namespace {

Error no_such_task() {
  return make_error(ErrorCode::task_not_found, "there is no such task");
}

}  // namespace

Result<Task> find_task(const Context& context, const std::string& id, std::string_view grant) {
  const auto parsed = TaskId::parse(id);
  if (!parsed) return no_such_task();
  auto loaded = context.services.ports.store->load(*parsed);
  if (loaded.has_error()) return loaded.error();
  if (!loaded->has_value()) return no_such_task();
  Task& task = **loaded;
  const bool is_own = task.owner == context.caller.owner;
  if (!is_own && !context.caller.may(grant)) return no_such_task();
  return std::move(task);
}

std::vector<actors::Position> find_positions(Services& services, const std::vector<Task>& tasks) {
  actors::FindPositions question;
  for (const Task& task : tasks) {
    if (task.state == TaskState::pending) question.tasks.emplace_back(task.profile, task.id);
  }
  if (question.tasks.empty()) return {};
  auto answer = ask<actors::Positions>(services, std::move(question));
  return answer.has_error() ? std::vector<actors::Position>{} : std::move(answer->positions);
}

std::optional<actors::Position> position_of(const std::vector<actors::Position>& all, TaskId task) {
  for (const auto& each : all) {
    if (each.task == task) return each;
  }
  return std::nullopt;
}

Result<TaskBodies> load_bodies(const TaskStore& store, TaskId id) {
  auto request = store.load_body(id, BodyKind::request);
  if (request.has_error()) return request.error();
  auto response = store.load_body(id, BodyKind::response);
  if (response.has_error()) return response.error();
  return TaskBodies{*request, *response};
}

Result<std::string> task_row(Services& services, const Task& task) {
  const auto bodies = load_bodies(*services.ports.store, task.id);
  if (bodies.has_error()) return bodies.error();
  const auto positions = find_positions(services, {task});
  JsonWriter json;
  write_task(json, task, *bodies, position_of(positions, task.id));
  return json.take();
}

}  // namespace signalbox::http
