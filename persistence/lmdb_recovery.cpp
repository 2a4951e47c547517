// What happens once after opening: tasks that were held when the broker stopped go back to their
// queues, in slices so that no transaction is huge; then the queues are read from the ready index,
// which holds all the scheduler needs.
#include <algorithm>
#include <map>

#include "core/task_moves.hpp"
#include "persistence/lmdb_counts.hpp"
#include "persistence/lmdb_rows.hpp"
#include "persistence/lmdb_task_store.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::size_t recovery_slice_rows = 500;

/// Some rows of the held index, and what is to be done about them.
struct HeldSlice {
  std::vector<StoreOp> moves;
  /// Rows without a held task that can be read: damage, or nothing to bring back.
  std::vector<std::string> stray;
  /// The last row's key; empty when there was none.
  std::string last_key;
};

/// Reads the rows behind the key `after`.
Result<HeldSlice> read_held_slice(const lmdb::Transaction& transaction, const Tables& tables,
                                  const std::string& after, std::uint32_t max_attempts,
                                  WallTime now) {
  auto cursor = lmdb::Cursor::open(transaction, tables[TableName::held]);
  if (!cursor) return cursor.error();
  HeldSlice slice;
  auto entry = after.empty() ? cursor->first() : cursor->seek(after);
  if (entry && *entry && (*entry)->key == after) entry = cursor->next();
  for (std::size_t rows = 0; entry && *entry && rows < recovery_slice_rows; ++rows) {
    slice.last_key = (*entry)->key;
    const auto id = id_at_end(slice.last_key);
    auto record = read_record(transaction, tables, id.value_or(TaskId{}));
    if (!record) return record.error();
    auto task = decode_row(id.value_or(TaskId{}), record->value_or(std::string_view{}));
    if (task && state_row(*task).key.view() == slice.last_key) {
      slice.moves.emplace_back(move_after_restart(*task, max_attempts, now));
    } else {
      slice.stray.push_back(slice.last_key);
    }
    entry = cursor->next();
  }
  if (!entry) return entry.error();
  return slice;
}

/// A million of these are sorted at once, so they are small: names are numbers into a table.
struct PendingEntry {
  TaskId id;
  std::uint32_t names = 0;
  Priority priority = Priority::workflow;
};

/// Pool and profile names, each pair kept once.
class NameTable {
 public:
  using Names = std::pair<std::string, std::string>;

  std::uint32_t number_of(std::string_view pool, std::string_view profile) {
    // Rows of one pool are neighbours, so the last pair is nearly always the one.
    if (!x_names_.empty() && x_names_[x_last_].first == pool &&
        x_names_[x_last_].second == profile) {
      return x_last_;
    }
    const auto fresh = static_cast<std::uint32_t>(x_names_.size());
    Names names{pool, profile};
    const auto [position, is_new] = x_numbers_.try_emplace(names, fresh);
    if (is_new) x_names_.push_back(std::move(names));
    x_last_ = position->second;
    return x_last_;
  }

  const Names& operator[](std::uint32_t number) const { return x_names_[number]; }

 private:
  std::vector<Names> x_names_;
  std::map<Names, std::uint32_t> x_numbers_;
  std::uint32_t x_last_ = 0;
};

Result<std::vector<PendingEntry>> read_ready_index(const lmdb::Transaction& transaction,
                                                   const Tables& tables, NameTable& names) {
  auto size = transaction.size(tables[TableName::ready]);
  if (!size) return size.error();
  auto cursor = lmdb::Cursor::open(transaction, tables[TableName::ready]);
  if (!cursor) return cursor.error();
  std::vector<PendingEntry> pending;
  pending.reserve(size->entries);
  auto entry = cursor->first();
  for (; entry && *entry; entry = cursor->next()) {
    const auto row = parse_ready_row(**entry);
    if (!row) continue;
    pending.push_back({row->id, names.number_of(row->pool, row->profile), row->priority});
  }
  if (!entry) return entry.error();
  return pending;
}

}  // namespace

Result<void> LmdbTaskStore::recover(std::uint32_t max_attempts, WallTime now,
                                    const std::function<void(PendingTask)>& visit) {
  std::string after;
  do {
    auto slice = [&]() -> Result<HeldSlice> {
      auto snapshot = x_readers_.snapshot();
      if (!snapshot) return snapshot.error();
      return read_held_slice(**snapshot, x_tables_, after, max_attempts, now);
    }();
    if (!slice) return slice.error();
    for (const StoreResult& result : commit(slice->moves)) {
      if (result.outcome == StoreResult::Outcome::failed) return result.error;
    }
    if (auto erased = erase_held_rows(slice->stray); !erased) return erased;
    after = std::move(slice->last_key);
  } while (!after.empty());

  NameTable names;
  auto pending = [&]() -> Result<std::vector<PendingEntry>> {
    auto snapshot = x_readers_.snapshot();
    if (!snapshot) return snapshot.error();
    return read_ready_index(**snapshot, x_tables_, names);
  }();
  if (!pending) return pending.error();
  // The queues lie all over the file, and the kernel maps the neighbours of every page that is
  // looked at: by now most of a large store counts as this process's memory. Mapped anew, it does
  // not, and what is needed comes back from the page cache.
  if (auto mapped = x_environment_.set_map_bytes(x_environment_.map_bytes()); !mapped) {
    return mapped;
  }
  std::ranges::sort(*pending, {}, &PendingEntry::id);
  for (const PendingEntry& entry : *pending) {
    const auto& [pool, profile] = names[entry.names];
    visit({entry.id, entry.priority, pool, profile});
  }
  return {};
}

Result<void> LmdbTaskStore::erase_held_rows(std::span<const std::string> keys) {
  if (keys.empty()) return {};
  auto transaction = x_environment_.begin_write();
  if (!transaction) return transaction.error();
  {
    auto cursor = lmdb::Cursor::open(*transaction, x_tables_[TableName::held]);
    if (!cursor) return cursor.error();
    for (const std::string& key : keys) {
      if (auto erased = cursor->erase(key); !erased) return erased.error();
    }
  }
  if (auto counted = ensure_counts(*transaction, x_tables_); !counted) return counted;
  return transaction->commit();
}

}  // namespace signalbox::persistence
