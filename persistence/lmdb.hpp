// A thin owner of liblmdb's handles: environment, transaction, cursor; errors as Result. Keeps two
// rules for everybody: full sync always (none of MDB_NOSYNC, MDB_NOMETASYNC, MDB_WRITEMAP,
// MDB_MAPASYNC: each of them loses or corrupts on a power cut), and no MDB_DUPSORT (deletes in such
// tables crash in 0.9.24, which Debian 12 ships; ITS#9376).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace signalbox::persistence::lmdb {

/// Unit: bytes. The longest key LMDB takes as Debian builds it.
inline constexpr std::size_t key_bytes_max = 511;

/// A named tree of unique keys. Valid as long as its environment.
struct Table {
  unsigned handle = 0;
};

/// Views into the map: valid until the next write of the transaction, or its end.
struct Entry {
  std::string_view key;
  std::string_view value;
};

struct TableSize {
  std::size_t entries = 0;
  /// Pages of the tree and its large values.
  std::size_t pages = 0;
};

class Transaction {
 public:
  /// Makes it durable. The transaction is over, also after an error, when nothing of it is kept.
  /// @pre no cursor of it is left.
  Result<void> commit();

  /// For read transactions that are kept for reuse: reset() lets go of the snapshot, renew() takes
  /// the newest one.
  void reset();
  Result<void> renew();

  Result<Table> open_table(const char* name, bool create);

  [[nodiscard]] Result<std::optional<std::string_view>> get(Table table,
                                                            std::string_view key) const;
  [[nodiscard]] Result<TableSize> size(Table table) const;

 private:
  friend class Environment;
  friend class Cursor;
  struct Abort {
    void operator()(MDB_txn* txn) const;
  };
  explicit Transaction(MDB_txn* txn) : x_txn_{txn} {}
  std::unique_ptr<MDB_txn, Abort> x_txn_;
};

/// A position in a table. Seeking to a key near the last one is cheaper than get(), and so is
/// writing in key order.
/// @pre It is gone before its transaction ends: LMDB closes a writer's cursors itself at that
/// moment.
class Cursor {
 public:
  static Result<Cursor> open(const Transaction& transaction, Table table);

  /// Each gives the entry it stands on then, or nothing past either end.
  Result<std::optional<Entry>> first();
  Result<std::optional<Entry>> last();
  Result<std::optional<Entry>> next();
  Result<std::optional<Entry>> previous();
  /// First entry with a key >= `key`.
  Result<std::optional<Entry>> seek(std::string_view key);
  /// Last entry with a key < `key`.
  Result<std::optional<Entry>> seek_before(std::string_view key);

  Result<void> put(std::string_view key, std::string_view value);
  /// As put(), for a new key that is probably the last: then pages are filled whole instead of
  /// split in halves.
  Result<void> append(std::string_view key, std::string_view value);
  /// As append(), but gives the place to write the value to, which saves one copy of large ones.
  /// Valid until the next write of the transaction.
  Result<char*> append_room(std::string_view key, std::size_t value_bytes);
  /// @returns whether there was such a key.
  Result<bool> erase(std::string_view key);
  /// Erases the entry the cursor stands on; next() then gives the one after it.
  Result<void> erase_here();

 private:
  struct Close {
    void operator()(MDB_cursor* cursor) const;
  };
  explicit Cursor(MDB_cursor* cursor) : x_cursor_{cursor} {}
  Result<std::optional<Entry>> move(int operation, std::string_view key = {});
  std::unique_ptr<MDB_cursor, Close> x_cursor_;
};

/// One memory-mapped database file with its lock file. A process may open it once only.
class Environment {
 public:
  struct Options {
    /// Unit: bytes. Most the file may grow to; address space, not memory or disk.
    std::size_t map_bytes = 0;
    unsigned tables_max = 16;
    /// Read transactions at one time.
    unsigned readers_max = 512;
  };

  /// Opens, or creates, data.mdb and lock.mdb in `directory`, which exists.
  static Result<Environment> open(const std::string& directory, const Options& options);

  /// Waits for the writer before it, if any. Must end on the thread it began on.
  Result<Transaction> begin_write();
  /// Never waits. May move between threads.
  [[nodiscard]] Result<Transaction> begin_read() const;
  /// A commit has come in since it was begun or renewed: it may show that commit, or even the next
  /// one before that is durable. LMDB 0.9 enters a reader in its table first and reads where the
  /// trees begin after; a thread that sleeps in between finds what two commits later stands there.
  [[nodiscard]] bool is_overtaken(const Transaction& reader) const;
  /// Forces all that was ever written to the disk.
  Result<void> sync();
  /// Frees reader slots of processes that are gone.
  Result<void> clear_dead_readers();

  /// @pre no transaction is open.
  Result<void> set_map_bytes(std::size_t bytes);

  [[nodiscard]] std::size_t page_bytes() const;
  [[nodiscard]] std::size_t map_bytes() const;
  /// Length that the file must have for all its pages to be there. Unit: bytes.
  [[nodiscard]] std::size_t file_bytes_needed() const;

 private:
  struct Close {
    void operator()(MDB_env* env) const;
  };
  explicit Environment(MDB_env* env) : x_env_{env} {}
  std::unique_ptr<MDB_env, Close> x_env_;
};

}  // namespace signalbox::persistence::lmdb
