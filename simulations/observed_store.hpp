// The memory store, watched: tells every transition as it is committed, and forgets a task as soon
// as it has ended, so that a run takes the memory of its queue and not of its tasks.
#pragma once

#include <functional>

#include "persistence/memory_task_store.hpp"

namespace signalbox::sim {

class ObservedStore final : public persistence::MemoryTaskStore {
 public:
  using OnTransition = std::function<void(TaskId, TaskState)>;

  explicit ObservedStore(OnTransition on_transition) : x_on_transition{std::move(on_transition)} {}

  std::vector<StoreResult> commit(std::span<const StoreOp> ops) override;

 private:
  OnTransition x_on_transition;
};

}  // namespace signalbox::sim
