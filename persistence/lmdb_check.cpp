// The whole store read and compared with itself: the proof that records, bodies and indexes say the
// same.
#include <algorithm>

#include "persistence/lmdb_bodies.hpp"
#include "persistence/lmdb_counts.hpp"
#include "persistence/lmdb_rows.hpp"
#include "persistence/lmdb_task_store.hpp"

namespace signalbox::persistence {
namespace {

class Checker {
 public:
  Checker(const lmdb::Transaction& transaction, const Tables& tables, std::size_t limit)
      : x_transaction_{transaction}, x_tables_{tables}, x_limit_{limit} {}

  Result<std::vector<std::string>> run() {
    auto done = each(TableName::task, [this](const lmdb::Entry& row) { return check_task(row); });
    for (const TableName table :
         {TableName::ready, TableName::held, TableName::gc, TableName::owner, TableName::idem}) {
      if (!done) return done.error();
      done = each(table, [&](const lmdb::Entry& row) { return check_index_row(table, row); });
    }
    if (!done) return done.error();
    for (const TableName table : {TableName::request, TableName::response}) {
      done = each(table, [&](const lmdb::Entry& row) { return check_chunk(table, row); });
      if (!done) return done.error();
    }
    done = each(TableName::doc, [this](const lmdb::Entry& row) { return check_document(row); });
    if (!done) return done.error();
    done = each(TableName::call, [this](const lmdb::Entry& row) { return check_call(row); });
    if (!done) return done.error();
    if (auto counted = check_counts(); !counted) return counted.error();
    return std::move(x_problems_);
  }

 private:
  void note(std::string problem) { x_problems_.push_back(std::move(problem)); }

  template <class Check>
  Result<void> each(TableName table, const Check& check) {
    auto cursor = lmdb::Cursor::open(x_transaction_, x_tables_[table]);
    if (!cursor) return cursor.error();
    auto entry = cursor->first();
    for (; entry && *entry && x_problems_.size() < x_limit_; entry = cursor->next()) {
      if (auto checked = check(**entry); !checked) return checked;
    }
    if (!entry) return entry.error();
    return {};
  }

  Result<void> check_task(const lmdb::Entry& row) {
    const auto id = id_in_value(row.key);
    if (!id) {
      note("Table task has a key that is no id.");
      return {};
    }
    const auto task = decode_row(*id, row.value);
    for (const BodyKind kind : {BodyKind::request, BodyKind::response}) {
      const auto body = read_body(x_transaction_, x_tables_, *id, kind);
      if (!body) note(body.error().message);
    }
    if (!task) {
      note(task.error().message);
      return {};
    }
    if (auto done = expect(state_row(*task), *id); !done) return done;
    if (auto done = expect(owner_row(*task), *id); !done) return done;
    if (task->idempotency_hash.empty()) return {};
    return expect(idempotency_row(*task), *id);
  }

  Result<void> expect(const IndexRow& row, TaskId id) {
    auto value = x_transaction_.get(x_tables_[row.table], row.key.view());
    if (!value) return value.error();
    if (!*value || **value != row.value) {
      note("Task " + id.to_string() + " is not in table " + name_of(row.table) + ".");
    }
    return {};
  }

  Result<void> check_index_row(TableName table, const lmdb::Entry& row) {
    const auto id = table == TableName::idem    ? id_in_value(row.value)
                    : table == TableName::owner ? inverted_id_at_end(row.key)
                                                : id_at_end(row.key);
    auto record = read_record(x_transaction_, x_tables_, id.value_or(TaskId{}));
    if (!record) return record.error();
    if (!id || !*record) {
      note("Table " + name_of(table) + " has a row without a task.");
      return {};
    }
    const auto task = decode_row(*id, **record);
    // A damaged record was noted as such already.
    if (!task) return {};
    const IndexRow expected = table == TableName::idem    ? idempotency_row(*task)
                              : table == TableName::owner ? owner_row(*task)
                                                          : state_row(*task);
    if (expected.table != table || expected.key.view() != row.key) {
      note("Table " + name_of(table) + " has a row of task " + id->to_string() +
           " that does not agree with it.");
    }
    return {};
  }

  Result<void> check_chunk(TableName table, const lmdb::Entry& row) {
    const auto id = id_in_chunk_key(row.key);
    auto record = read_record(x_transaction_, x_tables_, id.value_or(TaskId{}));
    if (!record) return record.error();
    if (!id || !*record) note("Table " + name_of(table) + " has a row without a task.");
    return {};
  }

  Result<void> check_document(const lmdb::Entry& row) {
    if (!unseal(row.value)) note("A document is damaged.");
    return {};
  }

  Result<void> check_call(const lmdb::Entry& row) {
    const auto id = id_in_value(row.key);
    if (!id) {
      note("Table call has a key that is no id.");
    } else if (const auto call = decode_call_row(*id, row.value); !call) {
      note(call.error().message);
    }
    return {};
  }

  /// What is damaged is counted by guess, so this says something of a sound store only.
  Result<void> check_counts() {
    if (!x_problems_.empty()) return {};
    auto noted = read_counts(x_transaction_, x_tables_);
    if (!noted) return noted.error();
    auto counted = count_tasks(x_transaction_, x_tables_);
    if (!counted) return counted.error();
    if (*noted != *counted) note("The numbers of tasks by state are not those of the tasks.");
    return {};
  }

  static std::string name_of(TableName table) {
    return table_names[static_cast<std::size_t>(table)];
  }

  const lmdb::Transaction& x_transaction_;
  const Tables& x_tables_;
  std::size_t x_limit_;
  std::vector<std::string> x_problems_;
};

}  // namespace

Result<std::vector<std::string>> LmdbTaskStore::find_problems(std::size_t limit) const {
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  return Checker{**snapshot, x_tables_, limit}.run();
}

}  // namespace signalbox::persistence
