#include "persistence/lmdb_counts.hpp"

#include "persistence/lmdb_rows.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::string_view meta_task_counts = "task_counts";
constexpr std::size_t number_bytes = sizeof(std::uint64_t);

std::uint64_t& of(TaskCounts& counts, TaskState state) {
  return counts[static_cast<std::size_t>(state)];
}
std::uint64_t of(const TaskCounts& counts, TaskState state) {
  return counts[static_cast<std::size_t>(state)];
}

std::optional<TaskCounts> decode_counts(std::string_view value) {
  if (value.size() != task_state_count * number_bytes) return std::nullopt;
  TaskCounts counts{};
  for (std::uint64_t& count : counts) {
    const auto number = decode_number(value.substr(0, number_bytes));
    if (!number) return std::nullopt;
    count = *number;
    value.remove_prefix(number_bytes);
  }
  return counts;
}

Result<std::size_t> rows_in(const lmdb::Transaction& transaction, lmdb::Table table) {
  auto size = transaction.size(table);
  if (!size) return size.error();
  return size->entries;
}

/// Adds the tasks of an index whose keys end in their ids.
Result<void> count_index(const lmdb::Transaction& transaction, const Tables& tables,
                         TableName index, TaskState when_damaged, TaskCounts& counts) {
  auto cursor = lmdb::Cursor::open(transaction, tables[index]);
  if (!cursor) return cursor.error();
  auto entry = cursor->first();
  for (; entry && *entry; entry = cursor->next()) {
    const TaskId id = id_at_end((*entry)->key).value_or(TaskId{});
    auto record = read_record(transaction, tables, id);
    if (!record) return record.error();
    const auto task = decode_row(id, record->value_or(std::string_view{}));
    ++of(counts, task ? task->state : when_damaged);
  }
  if (!entry) return entry.error();
  return {};
}

Result<bool> agrees(const lmdb::Transaction& transaction, const Tables& tables,
                    const TaskCounts& counts) {
  const auto pending = rows_in(transaction, tables[TableName::ready]);
  if (!pending) return pending.error();
  const auto held = rows_in(transaction, tables[TableName::held]);
  if (!held) return held.error();
  const auto finished = rows_in(transaction, tables[TableName::gc]);
  if (!finished) return finished.error();
  return of(counts, TaskState::pending) == *pending &&
         of(counts, TaskState::claimed) + of(counts, TaskState::running) == *held &&
         of(counts, TaskState::completed) + of(counts, TaskState::error) +
                 of(counts, TaskState::cancelled) ==
             *finished;
}

}  // namespace

Result<TaskCounts> read_counts(const lmdb::Transaction& transaction, const Tables& tables) {
  auto value = transaction.get(tables[TableName::meta], meta_task_counts);
  if (!value) return value.error();
  const auto counts = *value ? decode_counts(**value) : std::nullopt;
  if (!counts) {
    return make_error(ErrorCode::store_failed, "it does not say how many tasks there are");
  }
  return *counts;
}

Result<void> write_counts(const lmdb::Transaction& transaction, const Tables& tables,
                          const TaskCounts& counts) {
  std::string value;
  for (const std::uint64_t count : counts) value += encode_number(count);
  auto cursor = lmdb::Cursor::open(transaction, tables[TableName::meta]);
  if (!cursor) return cursor.error();
  return cursor->put(meta_task_counts, value);
}

Result<TaskCounts> count_tasks(const lmdb::Transaction& transaction, const Tables& tables) {
  TaskCounts counts{};
  const auto pending = rows_in(transaction, tables[TableName::ready]);
  if (!pending) return pending.error();
  of(counts, TaskState::pending) = *pending;
  auto done = count_index(transaction, tables, TableName::held, TaskState::claimed, counts);
  if (!done) return done.error();
  done = count_index(transaction, tables, TableName::gc, TaskState::error, counts);
  if (!done) return done.error();
  return counts;
}

Result<void> ensure_counts(const lmdb::Transaction& transaction, const Tables& tables) {
  if (const auto counts = read_counts(transaction, tables); counts.has_value()) {
    const auto is_right = agrees(transaction, tables, *counts);
    if (!is_right) return is_right.error();
    if (*is_right) return {};
  }
  const auto counted = count_tasks(transaction, tables);
  if (!counted) return counted.error();
  return write_counts(transaction, tables, *counted);
}

}  // namespace signalbox::persistence
