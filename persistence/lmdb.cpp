#include "persistence/lmdb.hpp"

#include <lmdb.h>

#include <cerrno>
#include <cstring>

namespace signalbox::persistence::lmdb {
namespace {

// Owner only: the file holds prompts.
constexpr mdb_mode_t file_mode = 0600;

MDB_val to_value(std::string_view bytes) {
  // LMDB's values are not const, but it does not write through those it is given.
  return {bytes.size(), const_cast<char*>(bytes.data())};
}

std::string_view to_view(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

bool means_full(int code) {
  switch (code) {
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return true;
    default:
      return false;
  }
}

Error to_error(int code, std::string_view what) {
  std::string message = "The store ";
  if (means_full(code)) {
    message += code == MDB_MAP_FULL ? "has used up its map_size" : "has no room left on its disk";
  } else {
    message += "failed";
  }
  message.append(" (").append(what).append(": ").append(mdb_strerror(code)).append(").");
  return make_error(means_full(code) ? ErrorCode::store_full : ErrorCode::store_failed,
                    std::move(message));
}

Result<void> check(int code, std::string_view what) {
  if (code != MDB_SUCCESS) return to_error(code, what);
  return {};
}

}  // namespace

// -- transaction ----------------------------------------------------------------------------------

void Transaction::Abort::operator()(MDB_txn* txn) const {
  mdb_txn_abort(txn);
}

Result<void> Transaction::commit() {
  // mdb_txn_commit frees the transaction whatever comes of it.
  return check(mdb_txn_commit(x_txn_.release()), "commit");
}

void Transaction::reset() {
  mdb_txn_reset(x_txn_.get());
}

Result<void> Transaction::renew() {
  return check(mdb_txn_renew(x_txn_.get()), "renew reader");
}

Result<Table> Transaction::open_table(const char* name, bool create) {
  Table table;
  const int code = mdb_dbi_open(x_txn_.get(), name, create ? MDB_CREATE : 0U, &table.handle);
  if (code != MDB_SUCCESS) return to_error(code, std::string{"open table "} + name);
  return table;
}

Result<std::optional<std::string_view>> Transaction::get(Table table, std::string_view key) const {
  MDB_val wanted = to_value(key);
  MDB_val found{};
  const int code = mdb_get(x_txn_.get(), table.handle, &wanted, &found);
  if (code == MDB_NOTFOUND) return std::optional<std::string_view>{};
  if (code != MDB_SUCCESS) return to_error(code, "get");
  return std::optional{to_view(found)};
}

Result<TableSize> Transaction::size(Table table) const {
  MDB_stat stat{};
  const int code = mdb_stat(x_txn_.get(), table.handle, &stat);
  if (code != MDB_SUCCESS) return to_error(code, "stat");
  return TableSize{stat.ms_entries,
                   stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages};
}

// -- cursor ---------------------------------------------------------------------------------------

void Cursor::Close::operator()(MDB_cursor* cursor) const {
  mdb_cursor_close(cursor);
}

Result<Cursor> Cursor::open(const Transaction& transaction, Table table) {
  MDB_cursor* cursor = nullptr;
  const int code = mdb_cursor_open(transaction.x_txn_.get(), table.handle, &cursor);
  if (code != MDB_SUCCESS) return to_error(code, "open cursor");
  return Cursor{cursor};
}

Result<std::optional<Entry>> Cursor::move(int operation, std::string_view key) {
  MDB_val found_key = to_value(key);
  MDB_val found{};
  const int code =
      mdb_cursor_get(x_cursor_.get(), &found_key, &found, static_cast<MDB_cursor_op>(operation));
  if (code == MDB_NOTFOUND) return std::optional<Entry>{};
  if (code != MDB_SUCCESS) return to_error(code, "read");
  return std::optional{Entry{to_view(found_key), to_view(found)}};
}

Result<std::optional<Entry>> Cursor::first() {
  return move(MDB_FIRST);
}
Result<std::optional<Entry>> Cursor::last() {
  return move(MDB_LAST);
}
Result<std::optional<Entry>> Cursor::next() {
  return move(MDB_NEXT);
}
Result<std::optional<Entry>> Cursor::previous() {
  return move(MDB_PREV);
}

Result<std::optional<Entry>> Cursor::seek(std::string_view key) {
  return move(MDB_SET_RANGE, key);
}

Result<std::optional<Entry>> Cursor::seek_before(std::string_view key) {
  auto at_or_after = seek(key);
  if (!at_or_after) return at_or_after;
  return *at_or_after ? previous() : last();
}

Result<void> Cursor::put(std::string_view key, std::string_view value) {
  MDB_val new_key = to_value(key);
  MDB_val new_value = to_value(value);
  return check(mdb_cursor_put(x_cursor_.get(), &new_key, &new_value, 0), "put");
}

Result<void> Cursor::append(std::string_view key, std::string_view value) {
  auto place = append_room(key, value.size());
  if (!place) return place.error();
  std::memcpy(*place, value.data(), value.size());
  return {};
}

Result<char*> Cursor::append_room(std::string_view key, std::size_t value_bytes) {
  MDB_val new_key = to_value(key);
  MDB_val place{value_bytes, nullptr};
  int code = mdb_cursor_put(x_cursor_.get(), &new_key, &place, MDB_RESERVE | MDB_APPEND);
  // It is not the last one: then where it belongs.
  if (code == MDB_KEYEXIST) code = mdb_cursor_put(x_cursor_.get(), &new_key, &place, MDB_RESERVE);
  if (code != MDB_SUCCESS) return to_error(code, "put");
  return static_cast<char*>(place.mv_data);
}

Result<bool> Cursor::erase(std::string_view key) {
  auto found = move(MDB_SET, key);
  if (!found) return found.error();
  if (!*found) return false;
  if (auto erased = erase_here(); !erased) return erased.error();
  return true;
}

Result<void> Cursor::erase_here() {
  return check(mdb_cursor_del(x_cursor_.get(), 0), "delete");
}

// -- environment ----------------------------------------------------------------------------------

void Environment::Close::operator()(MDB_env* env) const {
  mdb_env_close(env);
}

Result<Environment> Environment::open(const std::string& directory, const Options& options) {
  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env); code != MDB_SUCCESS) {
    return to_error(code, "create environment");
  }
  Environment opened{env};
  int code = mdb_env_set_mapsize(env, options.map_bytes);
  if (code == MDB_SUCCESS) code = mdb_env_set_maxdbs(env, options.tables_max);
  if (code == MDB_SUCCESS) code = mdb_env_set_maxreaders(env, options.readers_max);
  // NOTLS ties reader slots to transactions instead of threads: readers come from pools of threads.
  if (code == MDB_SUCCESS) code = mdb_env_open(env, directory.c_str(), MDB_NOTLS, file_mode);
  if (code != MDB_SUCCESS) return to_error(code, "open " + directory);
  return opened;
}

Result<Transaction> Environment::begin_write() {
  MDB_txn* txn = nullptr;
  const int code = mdb_txn_begin(x_env_.get(), nullptr, 0, &txn);
  if (code != MDB_SUCCESS) return to_error(code, "begin to write");
  return Transaction{txn};
}

Result<Transaction> Environment::begin_read() const {
  MDB_txn* txn = nullptr;
  const int code = mdb_txn_begin(x_env_.get(), nullptr, MDB_RDONLY, &txn);
  if (code != MDB_SUCCESS) return to_error(code, "begin to read");
  return Transaction{txn};
}

bool Environment::is_overtaken(const Transaction& reader) const {
  MDB_envinfo info{};
  mdb_env_info(x_env_.get(), &info);
  return info.me_last_txnid != mdb_txn_id(reader.x_txn_.get());
}

Result<void> Environment::sync() {
  return check(mdb_env_sync(x_env_.get(), 1), "sync");
}

Result<void> Environment::clear_dead_readers() {
  int dead = 0;
  return check(mdb_reader_check(x_env_.get(), &dead), "check readers");
}

Result<void> Environment::set_map_bytes(std::size_t bytes) {
  return check(mdb_env_set_mapsize(x_env_.get(), bytes), "resize map");
}

std::size_t Environment::page_bytes() const {
  MDB_stat stat{};
  mdb_env_stat(x_env_.get(), &stat);
  return stat.ms_psize;
}

std::size_t Environment::map_bytes() const {
  MDB_envinfo info{};
  mdb_env_info(x_env_.get(), &info);
  return info.me_mapsize;
}

std::size_t Environment::file_bytes_needed() const {
  MDB_envinfo info{};
  mdb_env_info(x_env_.get(), &info);
  return (info.me_last_pgno + 1) * page_bytes();
}

}  // namespace signalbox::persistence::lmdb
