// One batch of operations on its way into one write transaction. The operations are decided in
// memory first, each on the rows as the ones before it left them; only what differs in the end is
// written. So several transitions of one task cost one write, and a refused operation has touched
// nothing.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/ports.hpp"
#include "persistence/lmdb_schema.hpp"

namespace signalbox::persistence {

class LmdbBatch {
 public:
  /// Room that new tasks may take.
  struct Room {
    std::size_t pages = 0;
    std::size_t page_bytes = 4096;
  };

  /// @param transaction a write transaction; outlives the batch.
  LmdbBatch(lmdb::Transaction& transaction, const Tables& tables, Room room)
      : x_transaction_{transaction}, x_tables_{tables}, x_room_{room} {}

  /// Decides one operation; reads at most. @pre `op` outlives the batch.
  /// @returns what became of it (`failed` is about this operation alone: malformed, its row
  /// damaged, no room for a new task), or the error that spoils the whole batch.
  Result<StoreResult> apply(const StoreOp& op);

  /// Writes all that was applied. After an error the transaction must be given up.
  Result<void> write();

 private:
  struct Row {
    /// As it is in the database, and as it shall be; null = there is none.
    std::shared_ptr<const Task> stored;
    std::shared_ptr<const Task> task;
    /// To be written with it.
    Bytes request;
    Bytes response;
    /// `stored` was deleted and `task` made anew under its id.
    bool reborn = false;
    /// Set when the stored record cannot be read: such a row is left alone.
    std::optional<Error> damage;
  };
  class Writer;

  Result<StoreResult> apply_known(const InsertTask& op);
  Result<StoreResult> apply_known(const MoveTask& op);
  Result<StoreResult> apply_known(const PutDocument& op);
  Result<StoreResult> apply_known(const DeleteTask& op);
  Result<StoreResult> apply_known(const PutCallRows& op);
  Result<StoreResult> apply_known(const DeleteCallRows& op);

  /// @returns the row, read on first use.
  Result<Row*> row(TaskId id);
  /// @returns the task that has the idempotency key now, if any.
  Result<std::optional<TaskId>> key_holder(const std::string& hash);
  bool take_room(std::size_t pages);
  Result<void> write_counts();

  lmdb::Transaction& x_transaction_;
  const Tables& x_tables_;
  Room x_room_;
  // Ordered by key: writing in key order stays on the same pages.
  std::map<TaskId, Row> x_rows_;
  // Idempotency keys that changed hands; nothing = the key is free again.
  std::map<std::string, std::optional<TaskId>> x_key_holders_;
  // Views into the operations, which outlive the batch. (kind, name) -> value, empty = delete.
  std::map<std::pair<std::string_view, std::string_view>, std::string_view> x_documents_;
  /// Records of call rows; empty = delete.
  std::map<TaskId, std::string> x_calls_;
};

}  // namespace signalbox::persistence
