// Call rows: listed newest first, collected oldest first. The key is the id, so both are walks from
// an end of the table.
#include "persistence/lmdb_rows.hpp"
#include "persistence/lmdb_task_store.hpp"

namespace signalbox::persistence {

Result<CallRowPage> LmdbTaskStore::list_calls(const CallQuery& query) const {
  CallPageBuilder page{query};
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto cursor = lmdb::Cursor::open(**snapshot, x_tables_[TableName::call]);
  if (!cursor) return cursor.error();
  auto entry = query.cursor ? cursor->seek_before(task_key(*query.cursor).view()) : cursor->last();
  for (; entry && *entry; entry = cursor->previous()) {
    const auto id = id_in_value((*entry)->key);
    if (!id) continue;
    if (!page.wants(*id)) break;
    auto row = decode_call_row(*id, (*entry)->value);
    if (row) page.add(std::make_shared<const CallRow>(std::move(*row)));
  }
  if (!entry) return entry.error();
  return page.take();
}

Result<OldCallRows> LmdbTaskStore::old_calls(WallTime before, std::optional<TaskId> after,
                                             std::size_t limit) const {
  OldCallRows old;
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto cursor = lmdb::Cursor::open(**snapshot, x_tables_[TableName::call]);
  if (!cursor) return cursor.error();
  auto entry = after ? cursor->seek(task_key(*after).view()) : cursor->first();
  for (std::size_t rows = 0; entry && *entry; entry = cursor->next()) {
    const auto id = id_in_value((*entry)->key);
    if (!id || id == after) continue;
    if (id->created_at() >= before) break;
    if (rows++ == limit) return old;
    const auto row = decode_call_row(*id, (*entry)->value);
    if (!row || row->finished_at < before) old.ids.push_back(*id);
    old.next = id;
  }
  if (!entry) return entry.error();
  old.next.reset();
  return old;
}

}  // namespace signalbox::persistence
