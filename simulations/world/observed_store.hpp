// The memory store, watched: tells what came of every operation as it is committed. Unless it is to
// keep them, it forgets a task as soon as it has ended, so that a run takes the memory of its queue
// and not of its tasks.
#pragma once

#include <functional>

#include "persistence/memory_task_store.hpp"

namespace signalbox::sim {

class ObservedStore final : public persistence::MemoryTaskStore {
 public:
  using OnCommit = std::function<void(const StoreOp&, const StoreResult&)>;

  ObservedStore(OnCommit on_commit, bool keeps_tasks)
      : x_on_commit{std::move(on_commit)}, x_keeps_tasks{keeps_tasks} {}

  std::vector<StoreResult> commit(std::span<const StoreOp> ops) override;

  /// The machine stops in the commit after the next `commits`. Whoever waits for that commit hears
  /// of a failure; what is told of it here is what is on the disk. @param is_kept all of it is.
  void die_in_commit(std::uint64_t commits, bool is_kept);
  /// Nothing is taken until reopen().
  [[nodiscard]] bool is_dead() const { return x_is_dead; }
  /// @pre it is dead. @returns whether the last commit is on the disk.
  [[nodiscard]] bool is_kept() const { return x_death && x_death->is_kept; }
  void reopen();

 private:
  std::vector<StoreResult> commit_and_tell(std::span<const StoreOp> ops);
  void forget(std::span<const StoreOp> ops, const std::vector<StoreResult>& results);

  OnCommit x_on_commit;
  /// What is being forgotten; kept for its memory.
  std::vector<StoreOp> x_leavings;
  bool x_keeps_tasks = false;
  struct Death {
    std::uint64_t commits_left = 0;
    bool is_kept = false;
  };
  std::optional<Death> x_death;
  bool x_is_dead = false;
};

}  // namespace signalbox::sim
