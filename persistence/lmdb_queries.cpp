// Lists. Each query walks the index that is nearest to what it asks for, newest first, and looks at
// a bounded number of rows: a page that is short has a cursor to go on from.
#include <algorithm>
#include <functional>
#include <limits>

#include "core/tasks/attempt_log.hpp"
#include "persistence/lmdb_rows.hpp"
#include "persistence/lmdb_task_store.hpp"
#include "persistence/store_rules.hpp"

namespace signalbox::persistence {
namespace {

/// Gives candidate ids, newest first, then nothing for ever.
using Walk = std::function<Result<std::optional<TaskId>>()>;

constexpr TaskId above_all = [] {
  TaskId id;
  id.bytes.fill(std::numeric_limits<std::uint8_t>::max());
  return id;
}();

/// std::function wants to copy, cursors do not.
std::shared_ptr<lmdb::Cursor> share(lmdb::Cursor cursor) {
  return std::make_shared<lmdb::Cursor>(std::move(cursor));
}

/// Backwards over the keys that begin with `prefix` and end in an id below `end`.
Result<Walk> walk_back(const lmdb::Transaction& transaction, lmdb::Table table, Key prefix,
                       TaskId end) {
  auto opened = lmdb::Cursor::open(transaction, table);
  if (!opened) return opened.error();
  bool begun = false;
  return Walk{[cursor = share(std::move(*opened)), prefix, end,
               begun]() mutable -> Result<std::optional<TaskId>> {
    auto entry = begun ? cursor->previous() : cursor->seek_before(Key{prefix}.id(end).view());
    begun = true;
    if (!entry) return entry.error();
    if (!*entry || !(*entry)->key.starts_with(prefix.view())) return std::optional<TaskId>{};
    return id_at_end((*entry)->key);
  }};
}

Result<Walk> walk_owner(const lmdb::Transaction& transaction, const Tables& tables,
                        const std::string& owner, TaskId end) {
  auto opened = lmdb::Cursor::open(transaction, tables[TableName::owner]);
  if (!opened) return opened.error();
  bool begun = false;
  return Walk{[cursor = share(std::move(*opened)), prefix = owner_prefix(owner), end,
               begun]() mutable -> Result<std::optional<TaskId>> {
    auto entry = begun ? cursor->next() : cursor->seek(Key{prefix}.inverted_id(end).view());
    begun = true;
    if (entry && *entry && (*entry)->key == Key{prefix}.inverted_id(end).view()) {
      entry = cursor->next();
    }
    if (!entry) return entry.error();
    if (!*entry || !(*entry)->key.starts_with(prefix.view())) return std::optional<TaskId>{};
    return inverted_id_at_end((*entry)->key);
  }};
}

/// The newest of several walks at a time. Ids differ between them.
Walk merge(std::vector<Walk> walks) {
  struct Head {
    Walk walk;
    std::optional<TaskId> id;
  };
  std::vector<Head> heads;
  for (Walk& walk : walks) heads.push_back({std::move(walk), above_all});
  return [heads = std::move(heads)]() mutable -> Result<std::optional<TaskId>> {
    for (Head& head : heads) {
      // `above_all` marks one that is to be moved on: no task has that id.
      if (head.id != above_all) continue;
      auto next = head.walk();
      if (!next) return next.error();
      head.id = *next;
    }
    const auto newest = std::ranges::max_element(heads, {}, &Head::id);
    if (newest == heads.end() || !newest->id) return std::optional<TaskId>{};
    return std::exchange(newest->id, above_all);
  };
}

Result<Walk> walk_queue(const lmdb::Transaction& transaction, const Tables& tables,
                        const TaskQuery& query, TaskId end) {
  std::vector<Walk> walks;
  for (const Priority priority : all_priorities) {
    if (query.priority && *query.priority != priority) continue;
    auto walk =
        walk_back(transaction, tables[TableName::ready], ready_prefix(query.pool, priority), end);
    if (!walk) return walk;
    walks.push_back(std::move(*walk));
  }
  return merge(std::move(walks));
}

/// All held tasks, sorted: there are as many as executors have places, and they are kept by
/// executor.
Result<Walk> walk_held(const lmdb::Transaction& transaction, const Tables& tables, TaskId end) {
  auto cursor = lmdb::Cursor::open(transaction, tables[TableName::held]);
  if (!cursor) return cursor.error();
  std::vector<TaskId> ids;
  auto entry = cursor->first();
  for (; entry && *entry; entry = cursor->next()) {
    const auto id = id_at_end((*entry)->key);
    if (id && *id < end) ids.push_back(*id);
  }
  if (!entry) return entry.error();
  std::ranges::sort(ids);
  return Walk{[ids = std::move(ids)]() mutable -> Result<std::optional<TaskId>> {
    if (ids.empty()) return std::optional<TaskId>{};
    const TaskId id = ids.back();
    ids.pop_back();
    return std::optional{id};
  }};
}

bool asks_only_for(const TaskQuery& query, StateSet states) {
  return !query.states.empty() &&
         std::ranges::all_of(query.states, [&](TaskState state) { return states.contains(state); });
}

Result<Walk> choose_walk(const lmdb::Transaction& transaction, const Tables& tables,
                         const TaskQuery& query) {
  const TaskId end = query.cursor.value_or(above_all);
  if (asks_only_for(query, {TaskState::pending}) && !query.pool.empty()) {
    return walk_queue(transaction, tables, query, end);
  }
  if (asks_only_for(query, {TaskState::claimed, TaskState::running})) {
    auto held = transaction.size(tables[TableName::held]);
    if (!held) return held.error();
    if (held->entries <= page_rows_examined_max) return walk_held(transaction, tables, end);
  }
  if (!query.owner.empty()) return walk_owner(transaction, tables, query.owner, end);
  return walk_back(transaction, tables[TableName::task], Key{}, end);
}

}  // namespace

Result<TaskPage> LmdbTaskStore::list(const TaskQuery& query) const {
  TaskPage page;
  // No task has such names, and they do not fit into a key.
  if (std::max(query.pool.size(), query.owner.size()) > name_bytes_max) return page;
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto walk = choose_walk(**snapshot, x_tables_, query);
  if (!walk) return walk.error();
  std::optional<TaskId> examined;
  for (std::size_t rows = 0;; ++rows) {
    auto id = (*walk)();
    if (!id) return id.error();
    if (!*id) return page;
    if (page.tasks.size() == page_size(query) || rows == page_rows_examined_max) {
      page.next_cursor = examined;
      return page;
    }
    examined = **id;
    auto record = read_record(**snapshot, x_tables_, **id);
    if (!record) return record.error();
    if (!*record) continue;
    auto task = decode_row(**id, **record);
    if (task && matches(query, *task)) page.tasks.push_back(std::move(*task));
  }
}

Result<std::vector<std::pair<std::string, std::string>>> LmdbTaskStore::documents(
    std::string_view kind) const {
  std::vector<std::pair<std::string, std::string>> found;
  if (kind.size() > document_kind_bytes_max) return found;
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto cursor = lmdb::Cursor::open(**snapshot, x_tables_[TableName::doc]);
  if (!cursor) return cursor.error();
  const Key prefix = document_key(kind, {});
  auto entry = cursor->seek(prefix.view());
  for (; entry && *entry && (*entry)->key.starts_with(prefix.view()); entry = cursor->next()) {
    const std::string name{document_name((*entry)->key, kind)};
    const auto value = unseal((*entry)->value);
    if (!value) {
      return make_error(ErrorCode::store_failed,
                        "The stored " + std::string{kind} + " '" + name + "' is damaged.");
    }
    found.emplace_back(name, *value);
  }
  if (!entry) return entry.error();
  return found;
}

Result<std::vector<TaskId>> LmdbTaskStore::finished_before(WallTime before,
                                                           std::size_t limit) const {
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto cursor = lmdb::Cursor::open(**snapshot, x_tables_[TableName::gc]);
  if (!cursor) return cursor.error();
  const Key end = gc_prefix(before);
  std::vector<TaskId> found;
  auto entry = cursor->first();
  for (; entry && *entry && found.size() < limit; entry = cursor->next()) {
    if ((*entry)->key >= end.view()) return found;
    if (const auto id = id_at_end((*entry)->key)) found.push_back(*id);
  }
  if (!entry) return entry.error();
  return found;
}

Result<std::vector<TaskId>> LmdbTaskStore::stale_pending(WallTime before, std::size_t limit) const {
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto cursor = lmdb::Cursor::open(**snapshot, x_tables_[TableName::ready]);
  if (!cursor) return cursor.error();
  std::vector<TaskId> found;
  auto entry = cursor->first();
  while (entry && *entry && found.size() < limit) {
    const auto row = parse_ready_row(**entry);
    if (row && row->id.created_at() >= before) {
      // The rest of this queue is younger still: on to what follows the last of all ids.
      entry = cursor->seek(ready_prefix(row->pool, row->priority).id(above_all).byte(0).view());
      continue;
    }
    if (row) {
      auto record = read_record(**snapshot, x_tables_, row->id);
      if (!record) return record.error();
      // One that cannot be read cannot be ended either.
      const auto task = decode_row(row->id, record->value_or(std::string_view{}));
      if (task && is_overdue(*task, before)) found.push_back(row->id);
    }
    entry = cursor->next();
  }
  if (!entry) return entry.error();
  return found;
}

}  // namespace signalbox::persistence
