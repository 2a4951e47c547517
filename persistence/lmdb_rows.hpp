// Reading task and call rows. Two failures are kept apart: LMDB cannot read at all, which ends
// whatever is going on, and one row is damaged, which is that row's affair.
#pragma once

#include <optional>
#include <string_view>

#include "core/calls/call_row.hpp"
#include "core/tasks/task.hpp"
#include "persistence/lmdb_schema.hpp"

namespace signalbox::persistence {

/// @returns the record, or nothing when there is no such task.
Result<std::optional<std::string_view>> read_record(const lmdb::Transaction& transaction,
                                                    const Tables& tables, TaskId id);

/// @returns the task, or store_failed with the id in its message when the row is damaged.
Result<Task> decode_row(TaskId id, std::string_view record);

/// Both in one, where the difference does not matter.
Result<std::optional<Task>> read_task(const lmdb::Transaction& transaction, const Tables& tables,
                                      TaskId id);

/// @returns the call row, or store_failed with the id in its message when the row is damaged.
Result<CallRow> decode_call_row(TaskId id, std::string_view record);

}  // namespace signalbox::persistence
