#include "persistence/memory_task_store.hpp"

#include <algorithm>

#include "core/task_moves.hpp"
#include "core/tasks/attempt_log.hpp"
#include "persistence/store_rules.hpp"

namespace signalbox::persistence {
namespace {

using Outcome = StoreResult::Outcome;

StoreResult failed(Error error) {
  return {Outcome::failed, nullptr, std::move(error)};
}

Error crashed() {
  return make_error(ErrorCode::store_failed, "The memory store has crashed and is not reopened.");
}

}  // namespace

// -- commits --------------------------------------------------------------------------------------

std::vector<StoreResult> MemoryTaskStore::commit(std::span<const StoreOp> ops) {
  const std::lock_guard lock{x_mutex_};
  if (const auto fault = take_fault()) return {ops.size(), failed(*fault)};
  if (x_crash_ == Crash::before_commit) {
    x_crashed_ = true;
    return {ops.size(), failed(crashed())};
  }
  std::vector<StoreResult> results;
  results.reserve(ops.size());
  for (const StoreOp& op : ops) results.push_back(apply(op));
  if (x_crash_ == Crash::after_commit) {
    x_crashed_ = true;
    return {ops.size(), failed(crashed())};
  }
  return results;
}

std::optional<Error> MemoryTaskStore::take_fault() {
  if (x_crashed_) return crashed();
  if (x_commit_errors_left_ == 0) return std::nullopt;
  --x_commit_errors_left_;
  return x_commit_error_;
}

StoreResult MemoryTaskStore::apply(const StoreOp& op) {
  if (auto error = malformed(op)) return failed(std::move(*error));
  return std::visit([this](const auto& known) { return apply(known); }, op);
}

StoreResult MemoryTaskStore::apply(const InsertTask& op) {
  if (const auto found = x_rows_.find(op.task->id); found != x_rows_.end()) {
    return {Outcome::conflict, found->second.task, {}};
  }
  if (!op.task->idempotency_hash.empty()) {
    const auto [taken, is_free] = x_idempotent_.try_emplace(op.task->idempotency_hash, op.task->id);
    if (!is_free) return {Outcome::conflict, x_rows_.at(taken->second).task, {}};
  }
  index(*op.task);
  // Ids rise, so the end is nearly always where a new one goes.
  x_rows_.emplace_hint(x_rows_.end(), op.task->id, Row{op.task, op.request, nullptr});
  return {Outcome::applied, op.task, {}};
}

StoreResult MemoryTaskStore::apply(const MoveTask& op) {
  const auto found = x_rows_.find(op.id);
  if (found == x_rows_.end()) return {Outcome::missing, nullptr, {}};
  Row& row = found->second;
  if (!applies(*row.task, op)) return {Outcome::conflict, row.task, {}};
  auto task = std::make_shared<Task>(*row.task);
  signalbox::apply(*task, op);
  unindex(*row.task);
  index(*task);
  row.task = std::move(task);
  if (is_terminal(op.to)) row.response = op.response;
  return {Outcome::applied, row.task, {}};
}

StoreResult MemoryTaskStore::apply(const PutDocument& op) {
  if (op.value.empty()) {
    x_documents_.erase({op.kind, op.name});
  } else {
    x_documents_[{op.kind, op.name}] = op.value;
  }
  return {Outcome::applied, nullptr, {}};
}

StoreResult MemoryTaskStore::apply(const DeleteTask& op) {
  const auto found = x_rows_.find(op.id);
  if (found == x_rows_.end()) return {Outcome::missing, nullptr, {}};
  const std::shared_ptr<const Task> task = found->second.task;
  if (!is_terminal(task->state)) return {Outcome::conflict, task, {}};
  unindex(*task);
  x_idempotent_.erase(task->idempotency_hash);
  x_rows_.erase(found);
  return {Outcome::applied, task, {}};
}

StoreResult MemoryTaskStore::apply(const PutCallRows& op) {
  for (const auto& row : op.rows) x_calls_[TaskId{row->id}] = row;
  return {Outcome::applied, nullptr, {}};
}

StoreResult MemoryTaskStore::apply(const DeleteCallRows& op) {
  for (const TaskId id : op.ids) x_calls_.erase(id);
  return {Outcome::applied, nullptr, {}};
}

void MemoryTaskStore::unindex(const Task& task) {
  --x_counts_[static_cast<std::size_t>(task.state)];
  if (task.state == TaskState::pending)
    x_pending_.erase(task.id);
  else if (is_terminal(task.state))
    x_finished_.erase({task.completed_at, task.id});
  else
    x_held_.erase(task.id);
}

void MemoryTaskStore::index(const Task& task) {
  ++x_counts_[static_cast<std::size_t>(task.state)];
  if (task.state == TaskState::pending)
    x_pending_.insert(x_pending_.end(), task.id);
  else if (is_terminal(task.state))
    x_finished_.insert({task.completed_at, task.id});
  else
    x_held_.insert(task.id);
}

Result<void> MemoryTaskStore::recover(std::uint32_t max_attempts, WallTime now,
                                      const std::function<void(PendingTask)>& visit) {
  std::vector<PendingTask> pending;
  {
    const std::lock_guard lock{x_mutex_};
    if (x_crashed_) return crashed();
    const std::vector<TaskId> held{x_held_.begin(), x_held_.end()};
    for (const TaskId id : held) apply(move_after_restart(*x_rows_.at(id).task, max_attempts, now));
    pending.reserve(x_pending_.size());
    for (const TaskId id : x_pending_) {
      const Task& task = *x_rows_.at(id).task;
      pending.push_back({id, task.priority, task.pool, task.profile});
    }
  }
  // Without the lock: the visitor may read the store.
  for (PendingTask& task : pending) visit(std::move(task));
  return {};
}

// -- reads ----------------------------------------------------------------------------------------

Result<std::optional<Task>> MemoryTaskStore::load(TaskId id) const {
  const std::lock_guard lock{x_mutex_};
  const auto found = x_rows_.find(id);
  if (found == x_rows_.end()) return std::optional<Task>{};
  return std::optional<Task>{*found->second.task};
}

Result<Bytes> MemoryTaskStore::load_body(TaskId id, BodyKind kind) const {
  const std::lock_guard lock{x_mutex_};
  const auto found = x_rows_.find(id);
  if (found == x_rows_.end()) return Bytes{};
  return kind == BodyKind::request ? found->second.request : found->second.response;
}

Result<TaskPage> MemoryTaskStore::list(const TaskQuery& query) const {
  const std::lock_guard lock{x_mutex_};
  TaskPage page;
  auto position = query.cursor ? x_rows_.lower_bound(*query.cursor) : x_rows_.end();
  std::optional<TaskId> examined;
  for (std::size_t rows = 0; position != x_rows_.begin(); ++rows) {
    if (page.tasks.size() == page_size(query) || rows == page_rows_examined_max) {
      page.next_cursor = examined;
      break;
    }
    --position;
    examined = position->first;
    if (matches(query, *position->second.task)) page.tasks.push_back(*position->second.task);
  }
  return page;
}

Result<std::optional<Task>> MemoryTaskStore::find_idempotent(std::string_view hash) const {
  const std::lock_guard lock{x_mutex_};
  const auto found = x_idempotent_.find(hash);
  if (found == x_idempotent_.end()) return std::optional<Task>{};
  return std::optional<Task>{*x_rows_.at(found->second).task};
}

Result<TaskCounts> MemoryTaskStore::task_counts() const {
  const std::lock_guard lock{x_mutex_};
  return x_counts_;
}

Result<std::vector<std::pair<std::string, std::string>>> MemoryTaskStore::documents(
    std::string_view kind) const {
  const std::lock_guard lock{x_mutex_};
  std::vector<std::pair<std::string, std::string>> found;
  for (auto position = x_documents_.lower_bound({std::string{kind}, {}});
       position != x_documents_.end() && position->first.first == kind; ++position) {
    found.emplace_back(position->first.second, position->second);
  }
  return found;
}

Result<std::vector<TaskId>> MemoryTaskStore::finished_before(WallTime before,
                                                             std::size_t limit) const {
  const std::lock_guard lock{x_mutex_};
  std::vector<TaskId> found;
  for (const auto& [completed_at, id] : x_finished_) {
    if (completed_at >= before || found.size() == limit) break;
    found.push_back(id);
  }
  return found;
}

Result<std::vector<TaskId>> MemoryTaskStore::stale_pending(WallTime before,
                                                           std::size_t limit) const {
  const std::lock_guard lock{x_mutex_};
  std::map<std::pair<std::string_view, Priority>, std::vector<TaskId>> queues;
  for (const TaskId id : x_pending_) {
    // Ids rise with their time.
    if (id.created_at() >= before) break;
    const Task& task = *x_rows_.at(id).task;
    if (!is_overdue(task, before)) continue;
    queues[{task.pool, task.priority}].push_back(id);
  }
  std::vector<TaskId> found;
  for (const auto& [queue, ids] : queues) {
    const std::size_t count = std::min(ids.size(), limit - found.size());
    found.insert(found.end(), ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return found;
}

Result<CallRowPage> MemoryTaskStore::list_calls(const CallQuery& query) const {
  const std::lock_guard lock{x_mutex_};
  CallPageBuilder page{query};
  auto position = query.cursor ? x_calls_.lower_bound(*query.cursor) : x_calls_.end();
  while (position != x_calls_.begin()) {
    --position;
    if (!page.wants(position->first)) break;
    page.add(position->second);
  }
  return page.take();
}

Result<OldCallRows> MemoryTaskStore::old_calls(WallTime before, std::optional<TaskId> after,
                                               std::size_t limit) const {
  const std::lock_guard lock{x_mutex_};
  OldCallRows old;
  auto position = after ? x_calls_.upper_bound(*after) : x_calls_.begin();
  for (std::size_t rows = 0; position != x_calls_.end(); ++position, ++rows) {
    const auto& [id, row] = *position;
    if (id.created_at() >= before) break;
    if (rows == limit) return old;
    if (row->finished_at < before) old.ids.push_back(id);
    old.next = id;
  }
  old.next.reset();
  return old;
}

std::uint32_t MemoryTaskStore::boot_counter() const {
  const std::lock_guard lock{x_mutex_};
  return x_boot_counter_;
}

// -- faults ---------------------------------------------------------------------------------------

void MemoryTaskStore::fail_next_commit(Error error, std::size_t count) {
  const std::lock_guard lock{x_mutex_};
  x_commit_error_ = std::move(error);
  x_commit_errors_left_ = count;
}

void MemoryTaskStore::crash_during_next_commit(bool applied) {
  const std::lock_guard lock{x_mutex_};
  x_crash_ = applied ? Crash::after_commit : Crash::before_commit;
}

void MemoryTaskStore::crash() {
  const std::lock_guard lock{x_mutex_};
  x_crashed_ = true;
}

void MemoryTaskStore::reopen() {
  const std::lock_guard lock{x_mutex_};
  ++x_boot_counter_;
  x_commit_errors_left_ = 0;
  x_crash_ = Crash::none;
  x_crashed_ = false;
}

}  // namespace signalbox::persistence
