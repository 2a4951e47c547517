// The durable store: one LMDB environment, one writer, many readers. The layout is in
// lmdb_schema.hpp, how a batch becomes one transaction in lmdb_batch.hpp, the directory and its
// lock in store_directory.hpp.
//
// What holds at any moment, also after a power cut: every batch that commit() returned from is
// there whole; the one under way is there whole or not at all; every index says what the task rows
// say, since both change in one transaction. A damaged row is an error for whoever asks for it and
// for nobody else: load() and commit() answer store_failed, lists and recovery pass over it,
// find_problems() names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ports.hpp"
#include "persistence/lmdb.hpp"
#include "persistence/lmdb_reader_pool.hpp"
#include "persistence/lmdb_schema.hpp"
#include "persistence/store_directory.hpp"

namespace signalbox::persistence {

class LmdbTaskStore : public TaskStore {
 public:
  struct Options {
    /// The store's directory; made if its parent is there.
    std::string path;
    /// Most the database may grow to. Address space, not memory or disk. A store that is larger
    /// already opens all the same, with some room to finish and delete tasks in.
    /// Unit: bytes. Range: at least 16 MiB.
    std::size_t map_size_bytes = std::size_t{16} << 30U;
    /// Part of the map that new tasks may fill. The rest is for the moves and deletions of those
    /// that are there, which need new pages too before they free old ones. Range: 0.1..0.95.
    double insert_share = 0.9;
  };

  /// Opens or creates the store, syncs what a killed process may have left in the page cache, and
  /// raises the boot counter durably.
  /// @returns store_failed when another process has it open, when it was written by a newer
  /// signalbox, or when it is damaged or something else than a store; store_full when the disk has
  /// no room for the boot counter.
  static Result<std::unique_ptr<LmdbTaskStore>> open(const Options& options);

  /// A refused new task is `failed` with store_full alone, without the rest of its batch, once the
  /// map is filled to `insert_share`. When a batch as a whole is store_full, nothing is broken and
  /// smaller ones may pass. After any other failure to write, the state of the disk is not known:
  /// the store takes nothing more, and what became of the last batch is seen after the next open.
  std::vector<StoreResult> commit(std::span<const StoreOp> ops) override;

  /// 1,000,000 pending tasks are visited in about 0.3 s; they are held in memory meanwhile, 24
  /// bytes each. The file is mapped anew before the first visit.
  /// @pre no read is under way.
  Result<void> recover(std::uint32_t max_attempts, WallTime now,
                       const std::function<void(PendingTask)>& visit) override;

  [[nodiscard]] Result<std::optional<Task>> load(TaskId id) const override;
  [[nodiscard]] Result<Bytes> load_body(TaskId id, BodyKind kind) const override;
  /// A page may be short, even empty, and still have a next_cursor: see page_rows_examined_max.
  [[nodiscard]] Result<TaskPage> list(const TaskQuery& query) const override;
  [[nodiscard]] Result<std::optional<Task>> find_idempotent(std::string_view hash) const override;
  [[nodiscard]] Result<TaskCounts> task_counts() const override;
  [[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> documents(
      std::string_view kind) const override;
  [[nodiscard]] std::uint32_t boot_counter() const override { return x_boot_counter_; }
  [[nodiscard]] Result<std::vector<TaskId>> finished_before(WallTime before,
                                                            std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<TaskId>> stale_pending(WallTime before,
                                                          std::size_t limit) const override;
  [[nodiscard]] Result<CallRowPage> list_calls(const CallQuery& query) const override;
  [[nodiscard]] Result<OldCallRows> old_calls(WallTime before, std::optional<TaskId> after,
                                              std::size_t limit) const override;

  /// Reads everything and compares it: records, bodies, documents, and each index with the records
  /// both ways. Takes seconds per gigabyte under one snapshot, so it is for a store at rest.
  /// @returns a sentence per problem, at most `limit`; none = sound.
  [[nodiscard]] Result<std::vector<std::string>> find_problems(std::size_t limit = 100) const;

 private:
  LmdbTaskStore(StoreDirectory directory, lmdb::Environment environment, const Options& options);

  Result<void> start();
  /// Makes sure that the map has room to work in, and that no page of it lies behind the end of the
  /// file.
  /// @returns whether the file was too short.
  Result<bool> fit_map_and_file();
  Result<void> open_tables();
  Result<void> raise_boot_counter();
  /// @returns how many pages new tasks may still take.
  Result<std::size_t> insert_pages_left(const lmdb::Transaction& transaction) const;
  Result<std::vector<StoreResult>> try_commit(std::span<const StoreOp> ops);
  /// Tells a full disk from a broken one. @returns what to say; the store is broken unless that is
  /// store_full.
  Error commit_failure(Error error, std::size_t batch_bytes);
  /// Takes rows out of the held index that have no held task to them.
  Result<void> erase_held_rows(std::span<const std::string> keys);

  // Order of members = order of opening; readers end first, the lock goes last.
  StoreDirectory x_directory_;
  lmdb::Environment x_environment_;
  /// What new tasks may fill. Unit: pages.
  std::size_t x_insert_pages_;
  Tables x_tables_;
  mutable LmdbReaderPool x_readers_;
  std::uint32_t x_boot_counter_ = 0;
  /// Set for good after a failure to write that leaves the disk in doubt.
  std::optional<Error> x_broken_;
};

}  // namespace signalbox::persistence
