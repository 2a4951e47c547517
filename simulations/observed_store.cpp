#include "simulations/observed_store.hpp"

namespace signalbox::sim {

std::vector<StoreResult> ObservedStore::commit(std::span<const StoreOp> ops) {
  auto results = MemoryTaskStore::commit(ops);
  std::vector<StoreOp> leavings;
  for (std::size_t index = 0; index < ops.size(); ++index) {
    const auto* rows = std::get_if<PutCallRows>(&ops[index]);
    if (rows != nullptr) {
      DeleteCallRows forget;
      for (const auto& row : rows->rows) forget.ids.push_back(TaskId{row->id});
      leavings.emplace_back(std::move(forget));
    }
    const auto& result = results[index];
    const bool is_row = result.task != nullptr && result.outcome == StoreResult::Outcome::applied;
    if (!is_row) continue;
    x_on_transition(result.task->id, result.task->state);
    if (is_terminal(result.task->state)) leavings.emplace_back(DeleteTask{result.task->id});
  }
  if (!leavings.empty()) MemoryTaskStore::commit(leavings);
  return results;
}

}  // namespace signalbox::sim
