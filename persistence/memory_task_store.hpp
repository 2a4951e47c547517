// The store in memory, for tests and simulation: same port, same rules, no disk. Its disk faults
// are calls. Rows are shared and never changed in place, so handing one out costs a reference
// count.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ports.hpp"

namespace signalbox::persistence {

class MemoryTaskStore : public TaskStore {
 public:
  std::vector<StoreResult> commit(std::span<const StoreOp> ops) override;
  Result<void> recover(std::uint32_t max_attempts, WallTime now,
                       const std::function<void(PendingTask)>& visit) override;

  [[nodiscard]] Result<std::optional<Task>> load(TaskId id) const override;
  [[nodiscard]] Result<Bytes> load_body(TaskId id, BodyKind kind) const override;
  [[nodiscard]] Result<TaskPage> list(const TaskQuery& query) const override;
  [[nodiscard]] Result<std::optional<Task>> find_idempotent(std::string_view hash) const override;
  [[nodiscard]] Result<TaskCounts> task_counts() const override;
  [[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> documents(
      std::string_view kind) const override;
  [[nodiscard]] std::uint32_t boot_counter() const override;
  [[nodiscard]] Result<std::vector<TaskId>> finished_before(WallTime before,
                                                            std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<TaskId>> stale_pending(WallTime before,
                                                          std::size_t limit) const override;
  [[nodiscard]] Result<CallRowPage> list_calls(const CallQuery& query) const override;
  [[nodiscard]] Result<OldCallRows> old_calls(WallTime before, std::optional<TaskId> after,
                                              std::size_t limit) const override;

  // -- faults -------------------------------------------------------------------------------------

  /// The next `count` commits keep nothing and give `error` for every operation.
  void fail_next_commit(Error error, std::size_t count = 1);

  /// The machine stops in the middle of the next commit: the caller gets store_failed either way,
  /// and the store takes nothing more until reopen(). A commit is atomic, so a crash has just these
  /// two outcomes.
  /// @param applied whether the batch had reached the disk.
  void crash_during_next_commit(bool applied);

  /// The machine stops between commits: nothing more is taken until reopen(). All that was
  /// committed stays.
  void crash();

  /// As after a restart of the daemon: the boot counter is raised, data stays, faults are
  /// forgotten.
  void reopen();

 private:
  struct Row {
    std::shared_ptr<const Task> task;
    Bytes request;
    Bytes response;
  };
  using Rows = std::map<TaskId, Row>;
  enum class Crash : std::uint8_t { none, before_commit, after_commit };

  StoreResult apply(const StoreOp& op);
  StoreResult apply(const InsertTask& op);
  StoreResult apply(const MoveTask& op);
  StoreResult apply(const PutDocument& op);
  StoreResult apply(const DeleteTask& op);
  StoreResult apply(const PutCallRows& op);
  StoreResult apply(const DeleteCallRows& op);
  /// Takes the row's state out of, or into, the sets below.
  void unindex(const Task& task);
  void index(const Task& task);
  std::optional<Error> take_fault();

  mutable std::mutex x_mutex_;
  Rows x_rows_;
  std::set<TaskId> x_pending_;
  std::set<TaskId> x_held_;
  std::set<std::pair<WallTime, TaskId>> x_finished_;
  TaskCounts x_counts_{};
  std::map<std::string, TaskId, std::less<>> x_idempotent_;
  std::map<std::pair<std::string, std::string>, std::string> x_documents_;
  std::map<TaskId, std::shared_ptr<const CallRow>> x_calls_;
  std::uint32_t x_boot_counter_ = 1;

  std::optional<Error> x_commit_error_;
  std::size_t x_commit_errors_left_ = 0;
  Crash x_crash_ = Crash::none;
  bool x_crashed_ = false;
};

}  // namespace signalbox::persistence
