// How many tasks are in each state: one row of table meta, written by every transaction that
// changes it, so that nobody has to scan for it and a restart knows it at once.
//
// An older broker does not keep the row. That is seen at the next open: the totals are the sizes of
// the indexes, and where they differ the tasks are counted anew.
#pragma once

#include "core/ports.hpp"
#include "persistence/lmdb_schema.hpp"

namespace signalbox::persistence {

/// @returns store_failed when there is no such row, which ensure_counts() rules out.
Result<TaskCounts> read_counts(const lmdb::Transaction& transaction, const Tables& tables);

Result<void> write_counts(const lmdb::Transaction& transaction, const Tables& tables,
                          const TaskCounts& counts);

/// Reads every task that is not pending. One whose record is damaged counts as claimed or as an
/// error, by the index that has it.
Result<TaskCounts> count_tasks(const lmdb::Transaction& transaction, const Tables& tables);

/// Makes the row right where it is missing or does not agree with the indexes.
Result<void> ensure_counts(const lmdb::Transaction& transaction, const Tables& tables);

}  // namespace signalbox::persistence
