#include "simulations/world/observed_store.hpp"

namespace signalbox::sim {

std::vector<StoreResult> ObservedStore::commit(std::span<const StoreOp> ops) {
  const bool is_last = x_death && x_death->commits_left == 0;
  if (x_death && !is_last) --x_death->commits_left;
  if (!is_last) return commit_and_tell(ops);
  if (x_death->is_kept) commit_and_tell(ops);
  x_is_dead = true;
  crash();
  return MemoryTaskStore::commit(ops);
}

std::vector<StoreResult> ObservedStore::commit_and_tell(std::span<const StoreOp> ops) {
  auto results = MemoryTaskStore::commit(ops);
  for (std::size_t index = 0; index < ops.size(); ++index) x_on_commit(ops[index], results[index]);
  if (!x_keeps_tasks) forget(ops, results);
  return results;
}

void ObservedStore::die_in_commit(std::uint64_t commits, bool is_kept) {
  x_death = Death{commits, is_kept};
}

void ObservedStore::reopen() {
  x_death.reset();
  x_is_dead = false;
  MemoryTaskStore::reopen();
}

void ObservedStore::forget(std::span<const StoreOp> ops, const std::vector<StoreResult>& results) {
  x_leavings.clear();
  for (std::size_t index = 0; index < ops.size(); ++index) {
    if (const auto* rows = std::get_if<PutCallRows>(&ops[index])) {
      DeleteCallRows old;
      for (const auto& row : rows->rows) old.ids.push_back(TaskId{row->id});
      x_leavings.emplace_back(std::move(old));
    }
    const auto& result = results[index];
    const bool is_over = std::holds_alternative<MoveTask>(ops[index]) && result.task != nullptr &&
                         is_terminal(result.task->state);
    if (is_over) x_leavings.emplace_back(DeleteTask{result.task->id});
  }
  if (!x_leavings.empty()) MemoryTaskStore::commit(x_leavings);
}

}  // namespace signalbox::sim
