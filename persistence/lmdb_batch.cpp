#include "persistence/lmdb_batch.hpp"

#include <array>

#include "core/task_moves.hpp"
#include "persistence/call_record.hpp"
#include "persistence/lmdb_bodies.hpp"
#include "persistence/lmdb_counts.hpp"
#include "persistence/lmdb_rows.hpp"
#include "persistence/store_rules.hpp"
#include "persistence/task_record.hpp"

namespace signalbox::persistence {
namespace {

using Outcome = StoreResult::Outcome;

StoreResult applied(std::shared_ptr<const Task> task) {
  return {Outcome::applied, std::move(task), {}};
}
StoreResult conflict(std::shared_ptr<const Task> task) {
  return {Outcome::conflict, std::move(task), {}};
}
StoreResult missing() {
  return {Outcome::missing, nullptr, {}};
}
StoreResult failed(Error error) {
  return {Outcome::failed, nullptr, std::move(error)};
}

}  // namespace

// -- deciding -------------------------------------------------------------------------------------

Result<StoreResult> LmdbBatch::apply(const StoreOp& op) {
  if (auto error = malformed(op)) return failed(std::move(*error));
  return std::visit([this](const auto& known) { return apply_known(known); }, op);
}

Result<StoreResult> LmdbBatch::apply_known(const InsertTask& op) {
  auto found = row(op.task->id);
  if (!found) return found.error();
  Row& fresh = **found;
  if (fresh.damage) return failed(*fresh.damage);
  if (fresh.task) return conflict(fresh.task);
  if (!op.task->idempotency_hash.empty()) {
    auto holder = key_holder(op.task->idempotency_hash);
    if (!holder) return holder.error();
    if (*holder) {
      auto taken = row(**holder);
      if (!taken) return taken.error();
      if ((*taken)->damage) return failed(*(*taken)->damage);
      if ((*taken)->task) return conflict((*taken)->task);
    }
  }
  // One page for the record and its index rows, one that the body's last bytes share with nobody.
  const std::size_t body_bytes = op.request ? op.request->size() : 0;
  if (!take_room(2 + body_bytes / x_room_.page_bytes)) {
    return failed(make_error(ErrorCode::store_full,
                             "The store is nearly full and takes no new tasks: the rest of its "
                             "map_size is kept for finishing and deleting those it has."));
  }
  if (!op.task->idempotency_hash.empty()) x_key_holders_[op.task->idempotency_hash] = op.task->id;
  fresh.reborn = fresh.stored != nullptr;
  fresh.task = op.task;
  fresh.request = op.request;
  fresh.response = nullptr;
  return applied(fresh.task);
}

Result<StoreResult> LmdbBatch::apply_known(const MoveTask& op) {
  auto found = row(op.id);
  if (!found) return found.error();
  Row& moved = **found;
  if (moved.damage) return failed(*moved.damage);
  if (!moved.task) return missing();
  if (!applies(*moved.task, op)) return conflict(moved.task);
  auto task = std::make_shared<Task>(*moved.task);
  signalbox::apply(*task, op);
  moved.task = std::move(task);
  if (is_terminal(op.to)) moved.response = op.response;
  return applied(moved.task);
}

Result<StoreResult> LmdbBatch::apply_known(const PutDocument& op) {
  x_documents_[{op.kind, op.name}] = op.value;
  return applied(nullptr);
}

Result<StoreResult> LmdbBatch::apply_known(const DeleteTask& op) {
  auto found = row(op.id);
  if (!found) return found.error();
  Row& deleted = **found;
  if (deleted.damage) return failed(*deleted.damage);
  if (!deleted.task) return missing();
  if (!is_terminal(deleted.task->state)) return conflict(deleted.task);
  if (!deleted.task->idempotency_hash.empty()) {
    x_key_holders_[deleted.task->idempotency_hash] = std::nullopt;
  }
  deleted.request = nullptr;
  deleted.response = nullptr;
  return applied(std::exchange(deleted.task, nullptr));
}

// History gives way to work: it may fill what new tasks may, and no more.
Result<StoreResult> LmdbBatch::apply_known(const PutCallRows& op) {
  std::map<TaskId, std::string> records;
  std::size_t bytes = 0;
  for (const auto& row : op.rows) {
    std::string& record = records[TaskId{row->id}];
    encode_call(*row, record);
    bytes += record.size();
  }
  if (!take_room(1 + bytes / x_room_.page_bytes)) {
    return failed(
        make_error(ErrorCode::store_full, "The store is nearly full and keeps no more call rows."));
  }
  for (auto& [id, record] : records) x_calls_[id] = std::move(record);
  return applied(nullptr);
}

Result<StoreResult> LmdbBatch::apply_known(const DeleteCallRows& op) {
  for (const TaskId id : op.ids) x_calls_[id].clear();
  return applied(nullptr);
}

Result<LmdbBatch::Row*> LmdbBatch::row(TaskId id) {
  const auto [position, is_new] = x_rows_.try_emplace(id);
  Row& known = position->second;
  if (!is_new) return &known;
  auto record = read_record(x_transaction_, x_tables_, id);
  if (!record) return record.error();
  if (!*record) return &known;
  auto task = decode_row(id, **record);
  if (!task) {
    known.damage = task.error();
    return &known;
  }
  known.stored = std::make_shared<const Task>(std::move(*task));
  known.task = known.stored;
  return &known;
}

Result<std::optional<TaskId>> LmdbBatch::key_holder(const std::string& hash) {
  if (const auto known = x_key_holders_.find(hash); known != x_key_holders_.end()) {
    return known->second;
  }
  auto value = x_transaction_.get(x_tables_[TableName::idem], hash);
  if (!value) return value.error();
  return *value ? id_in_value(**value) : std::nullopt;
}

bool LmdbBatch::take_room(std::size_t pages) {
  if (pages > x_room_.pages) return false;
  x_room_.pages -= pages;
  return true;
}

// -- writing --------------------------------------------------------------------------------------

/// The cursors of one write, opened on first use. They end before the transaction does.
class LmdbBatch::Writer {
 public:
  explicit Writer(const LmdbBatch& batch) : x_batch_{batch} {}

  Result<void> write(TaskId id, const Row& row) {
    if (row.task == row.stored) return {};
    if (row.reborn && row.task) {
      Row gone;
      gone.stored = row.stored;
      if (auto done = write(id, gone); !done) return done;
      Row fresh = row;
      fresh.stored = nullptr;
      fresh.reborn = false;
      return write(id, fresh);
    }
    if (auto done = write_record(id, row); !done) return done;
    if (auto done = write_bodies(id, row); !done) return done;
    return write_index(row);
  }

  Result<void> write_document(std::string_view kind, std::string_view name,
                              std::string_view value) {
    const Key key = document_key(kind, name);
    if (value.empty()) return erase(TableName::doc, key.view());
    return put(TableName::doc, key.view(), seal(value));
  }

  Result<void> write_call(TaskId id, std::string_view record) {
    if (record.empty()) return erase(TableName::call, task_key(id).view());
    auto at = cursor(TableName::call);
    if (!at) return at.error();
    return (*at)->append(task_key(id).view(), record);
  }

  Result<void> write_key_holder(const std::string& hash, const std::optional<TaskId>& holder) {
    if (!holder) return erase(TableName::idem, hash);
    return put(TableName::idem, hash, task_key(*holder).view());
  }

 private:
  Result<lmdb::Cursor*> cursor(TableName table) {
    auto& cursor = x_cursors_[static_cast<std::size_t>(table)];
    if (!cursor) {
      auto opened = lmdb::Cursor::open(x_batch_.x_transaction_, x_batch_.x_tables_[table]);
      if (!opened) return opened.error();
      cursor = std::move(*opened);
    }
    return &*cursor;
  }

  Result<void> put(TableName table, std::string_view key, std::string_view value) {
    auto at = cursor(table);
    if (!at) return at.error();
    return (*at)->put(key, value);
  }

  Result<void> erase(TableName table, std::string_view key) {
    auto at = cursor(table);
    if (!at) return at.error();
    auto erased = (*at)->erase(key);
    if (!erased) return erased.error();
    return {};
  }

  Result<void> write_record(TaskId id, const Row& row) {
    if (!row.task) return erase(TableName::task, task_key(id).view());
    encode_task(*row.task, x_record_);
    if (row.stored) return put(TableName::task, task_key(id).view(), x_record_);
    auto at = cursor(TableName::task);
    if (!at) return at.error();
    return (*at)->append(task_key(id).view(), x_record_);
  }

  Result<void> write_bodies(TaskId id, const Row& row) {
    for (const BodyKind kind : {BodyKind::request, BodyKind::response}) {
      const Bytes& body = kind == BodyKind::request ? row.request : row.response;
      if (row.task && !body) continue;
      auto at = cursor(body_table(kind));
      if (!at) return at.error();
      if (auto done = row.task ? write_body(**at, id, *body) : erase_body(**at, id); !done) {
        return done;
      }
    }
    return {};
  }

  Result<void> write_index(const Row& row) {
    if (auto done = replace(row, state_row); !done) return done;
    // The owner never changes: its row comes and goes with the task.
    if (row.stored && row.task) return {};
    return replace(row, owner_row);
  }

  /// Makes one index hold the row of the task as it is now, instead of the one it had.
  Result<void> replace(const Row& row, IndexRow (*row_of)(const Task&)) {
    std::optional<IndexRow> before;
    std::optional<IndexRow> after;
    if (row.stored) before = row_of(*row.stored);
    if (row.task) after = row_of(*row.task);
    if (before && after && before->table == after->table &&
        before->key.view() == after->key.view() && before->value == after->value) {
      return {};
    }
    if (before) {
      if (auto done = erase(before->table, before->key.view()); !done) return done;
    }
    if (after) return put(after->table, after->key.view(), after->value);
    return {};
  }

  const LmdbBatch& x_batch_;
  std::array<std::optional<lmdb::Cursor>, table_count> x_cursors_;
  std::string x_record_;
};

Result<void> LmdbBatch::write() {
  Writer writer{*this};
  for (const auto& [id, row] : x_rows_) {
    if (auto done = writer.write(id, row); !done) return done;
  }
  // After the rows: a key may have gone from a deleted task to a new one.
  for (const auto& [hash, holder] : x_key_holders_) {
    if (auto done = writer.write_key_holder(hash, holder); !done) return done;
  }
  for (const auto& [key, value] : x_documents_) {
    if (auto done = writer.write_document(key.first, key.second, value); !done) return done;
  }
  for (const auto& [id, record] : x_calls_) {
    if (auto done = writer.write_call(id, record); !done) return done;
  }
  return write_counts();
}

Result<void> LmdbBatch::write_counts() {
  // Differences, modulo 2^64.
  TaskCounts change{};
  for (const auto& [id, row] : x_rows_) {
    if (row.stored) --change[static_cast<std::size_t>(row.stored->state)];
    if (row.task) ++change[static_cast<std::size_t>(row.task->state)];
  }
  if (change == TaskCounts{}) return {};
  auto counts = read_counts(x_transaction_, x_tables_);
  if (!counts) return counts.error();
  for (std::size_t state = 0; state < change.size(); ++state) (*counts)[state] += change[state];
  return persistence::write_counts(x_transaction_, x_tables_, *counts);
}

}  // namespace signalbox::persistence
