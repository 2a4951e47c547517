// Tasks as the surfaces need them: found for a caller, and as the row they are shown as.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/front/render.hpp"
#include "http/front/services.hpp"

namespace signalbox::http {

/// @returns the task when it is the caller's or the caller has `grant`, else task_not_found:
/// another owner's is not there for it. Also what the store says when it cannot read.
Result<Task> find_task(const Context& context, const std::string& id, std::string_view grant);

/// @returns where those of `tasks` stand that wait; empty when the broker does not say.
std::vector<actors::Position> find_positions(Services& services, const std::vector<Task>& tasks);
std::optional<actors::Position> position_of(const std::vector<actors::Position>& all, TaskId task);

Result<TaskBodies> load_bodies(const TaskStore& store, TaskId id);

/// @returns the row with both bodies.
Result<std::string> task_row(Services& services, const Task& task);

}  // namespace signalbox::http
