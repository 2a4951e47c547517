#include "persistence/lmdb_rows.hpp"

#include "persistence/call_record.hpp"
#include "persistence/task_record.hpp"

namespace signalbox::persistence {

Result<std::optional<std::string_view>> read_record(const lmdb::Transaction& transaction,
                                                    const Tables& tables, TaskId id) {
  return transaction.get(tables[TableName::task], task_key(id).view());
}

Result<Task> decode_row(TaskId id, std::string_view record) {
  auto task = decode_task(record);
  if (task && task->id == id) return task;
  const std::string reason = task ? "it holds another task" : task.error().message;
  return make_error(ErrorCode::store_failed,
                    "Task " + id.to_string() + " cannot be read: " + reason + ".");
}

Result<CallRow> decode_call_row(TaskId id, std::string_view record) {
  auto row = decode_call(record);
  if (row && row->id == id.bytes) return row;
  const std::string reason = row ? "it holds another call" : row.error().message;
  return make_error(ErrorCode::store_failed,
                    "The row of call " + id.to_string() + " cannot be read: " + reason + ".");
}

Result<std::optional<Task>> read_task(const lmdb::Transaction& transaction, const Tables& tables,
                                      TaskId id) {
  auto record = read_record(transaction, tables, id);
  if (!record) return record.error();
  if (!*record) return std::optional<Task>{};
  auto task = decode_row(id, **record);
  if (!task) return task.error();
  return std::optional<Task>{std::move(*task)};
}

}  // namespace signalbox::persistence
