#include "persistence/lmdb_task_store.hpp"

#include <algorithm>
#include <limits>

#include "persistence/lmdb_batch.hpp"
#include "persistence/lmdb_bodies.hpp"
#include "persistence/lmdb_counts.hpp"
#include "persistence/lmdb_rows.hpp"
#include "persistence/store_rules.hpp"

namespace signalbox::persistence {
namespace {

constexpr std::size_t map_bytes_min = std::size_t{16} << 20U;
/// Pages that new tasks never get, however small the map: a full batch of moves rewrites its path
/// in every table.
constexpr std::size_t reserve_pages_min = 1024;

lmdb::Environment::Options environment_options(std::size_t map_bytes) {
  lmdb::Environment::Options options;
  options.map_bytes = map_bytes;
  return options;
}

/// What a batch may write besides its bodies. Unit: bytes.
constexpr std::size_t probe_slack_bytes = std::size_t{16} << 20U;

std::size_t body_bytes(std::span<const StoreOp> ops) {
  std::size_t bytes = 0;
  for (const StoreOp& op : ops) {
    if (const auto* insert = std::get_if<InsertTask>(&op); insert != nullptr && insert->request) {
      bytes += insert->request->size();
    }
    if (const auto* move = std::get_if<MoveTask>(&op); move != nullptr && move->response) {
      bytes += move->response->size();
    }
  }
  return bytes;
}

/// A put outside a batch, with a cursor that is gone before the transaction ends.
Result<void> put_once(const lmdb::Transaction& transaction, lmdb::Table table, std::string_view key,
                      std::string_view value) {
  auto cursor = lmdb::Cursor::open(transaction, table);
  if (!cursor) return cursor.error();
  return cursor->put(key, value);
}

/// What a new database begins with.
Result<void> fill_database(const std::string& directory, std::size_t map_bytes) {
  auto environment = lmdb::Environment::open(directory, environment_options(map_bytes));
  if (!environment) return environment.error();
  auto transaction = environment->begin_write();
  if (!transaction) return transaction.error();
  auto tables = Tables::open(*transaction, true);
  if (!tables) return tables.error();
  const lmdb::Table meta = (*tables)[TableName::meta];
  auto done = put_once(*transaction, meta, meta_schema_version, encode_number(schema_version));
  if (!done) return done;
  done = put_once(*transaction, meta, meta_boot_counter, encode_number(0));
  if (!done) return done;
  return transaction->commit();
}

Result<std::uint64_t> read_number(const lmdb::Transaction& transaction, lmdb::Table meta,
                                  std::string_view name) {
  auto value = transaction.get(meta, name);
  if (!value) return value.error();
  const auto number = *value ? decode_number(**value) : std::nullopt;
  if (!number) {
    return make_error(ErrorCode::store_failed, "it has no " + std::string{name});
  }
  return *number;
}

/// Refuses what this program cannot read, and marks what it can as what it is going to write.
Result<void> migrate_schema(lmdb::Transaction& transaction) {
  // Alone and first: a future schema may have other tables.
  auto meta = transaction.open_table(table_names[0], false);
  if (!meta) return meta.error();
  auto version = read_number(transaction, *meta, meta_schema_version);
  if (!version) return version.error();
  if (*version == schema_version) return {};
  if (*version > schema_version) {
    return make_error(ErrorCode::store_failed,
                      "a newer signalbox wrote it (schema " + std::to_string(*version) +
                          ", this one knows up to " + std::to_string(schema_version) + ")");
  }
  if (*version == 0) return make_error(ErrorCode::store_failed, "it has schema 0, which never was");
  return put_once(transaction, *meta, meta_schema_version, encode_number(schema_version));
}

Error cannot_open(const std::string& path, const Error& reason) {
  return make_error(reason.code, "Cannot open the store " + path + ": " + reason.message);
}

std::optional<Error> out_of_range(const LmdbTaskStore::Options& options) {
  if (options.map_size_bytes < map_bytes_min) {
    return make_error(ErrorCode::store_failed, "map_size must be at least 16 MiB.");
  }
  if (!(options.insert_share >= 0.1 && options.insert_share <= 0.95)) {
    return make_error(ErrorCode::store_failed, "insert_share must be within 0.1 and 0.95.");
  }
  return std::nullopt;
}

std::size_t insert_pages(const LmdbTaskStore::Options& options, std::size_t page_bytes) {
  const std::size_t pages = options.map_size_bytes / page_bytes;
  const auto share = static_cast<std::size_t>(static_cast<double>(pages) * options.insert_share);
  return std::min(share, pages - std::min(reserve_pages_min, pages / 4));
}

}  // namespace

// -- opening --------------------------------------------------------------------------------------

LmdbTaskStore::LmdbTaskStore(StoreDirectory directory, lmdb::Environment environment,
                             const Options& options)
    : x_directory_{std::move(directory)},
      x_environment_{std::move(environment)},
      x_insert_pages_{insert_pages(options, x_environment_.page_bytes())},
      x_readers_{x_environment_} {}

Result<std::unique_ptr<LmdbTaskStore>> LmdbTaskStore::open(const Options& options) {
  if (auto error = out_of_range(options)) return cannot_open(options.path, *error);
  auto directory = StoreDirectory::open(options.path);
  if (!directory) return directory.error();
  const std::size_t map_bytes = options.map_size_bytes;
  auto ensured = directory->ensure_database(
      [map_bytes](const std::string& empty) { return fill_database(empty, map_bytes); });
  if (!ensured) return cannot_open(options.path, ensured.error());
  auto environment = lmdb::Environment::open(directory->database(), environment_options(map_bytes));
  if (!environment) return cannot_open(options.path, environment.error());
  std::unique_ptr<LmdbTaskStore> store{
      new LmdbTaskStore{std::move(*directory), std::move(*environment), options}};
  if (auto started = store->start(); !started) return cannot_open(options.path, started.error());
  return store;
}

Result<void> LmdbTaskStore::start() {
  if (auto cleared = x_environment_.clear_dead_readers(); !cleared) return cleared;
  auto was_short = fit_map_and_file();
  if (!was_short) return was_short.error();
  // A process that was killed may have left its last commit in the page cache only. Nobody may read
  // what a power cut could still take back.
  if (auto synced = x_environment_.sync(); !synced) return synced;
  if (auto opened = open_tables(); !opened) return opened;
  if (*was_short) {
    auto problems = find_problems(1);
    if (!problems) return problems.error();
    if (!problems->empty()) {
      return make_error(ErrorCode::store_failed, "its file was cut short: " + problems->front());
    }
  }
  return raise_boot_counter();
}

Result<bool> LmdbTaskStore::fit_map_and_file() {
  const std::size_t needed = x_environment_.file_bytes_needed();
  const std::size_t map_bytes = x_environment_.map_bytes();
  // Opening itself writes: a store that was filled to the brim could not be opened to be emptied.
  const std::size_t comfortable = needed + reserve_pages_min * x_environment_.page_bytes();
  if (map_bytes < comfortable) {
    if (auto grown = x_environment_.set_map_bytes(comfortable); !grown) return grown.error();
  }
  return x_directory_.extend_database(needed);
}

Result<void> LmdbTaskStore::open_tables() {
  // Handles of tables are good once the transaction that opened them is committed; this one changes
  // at most the schema's number and the counts.
  auto transaction = x_environment_.begin_write();
  if (!transaction) return transaction.error();
  if (auto migrated = migrate_schema(*transaction); !migrated) return migrated;
  auto tables = Tables::open(*transaction, false);
  if (!tables) return tables.error();
  x_tables_ = *tables;
  if (auto counted = ensure_counts(*transaction, x_tables_); !counted) return counted;
  return transaction->commit();
}

Result<void> LmdbTaskStore::raise_boot_counter() {
  auto transaction = x_environment_.begin_write();
  if (!transaction) return transaction.error();
  const lmdb::Table meta = x_tables_[TableName::meta];
  auto boots = read_number(*transaction, meta, meta_boot_counter);
  if (!boots) return boots.error();
  if (*boots >= std::numeric_limits<std::uint32_t>::max()) {
    return make_error(ErrorCode::store_failed, "its boot counter is used up");
  }
  x_boot_counter_ = static_cast<std::uint32_t>(*boots + 1);
  if (auto done = put_once(*transaction, meta, meta_boot_counter, encode_number(x_boot_counter_));
      !done) {
    return done;
  }
  return transaction->commit();
}

// -- commits --------------------------------------------------------------------------------------

std::vector<StoreResult> LmdbTaskStore::commit(std::span<const StoreOp> ops) {
  const auto all_failed = [&ops](const Error& error) {
    return std::vector<StoreResult>(ops.size(), {StoreResult::Outcome::failed, nullptr, error});
  };
  if (x_broken_) return all_failed(*x_broken_);
  auto results = try_commit(ops);
  if (!results) return all_failed(results.error());
  return std::move(*results);
}

Result<std::vector<StoreResult>> LmdbTaskStore::try_commit(std::span<const StoreOp> ops) {
  auto transaction = x_environment_.begin_write();
  if (!transaction) return transaction.error();
  auto insert_pages = insert_pages_left(*transaction);
  if (!insert_pages) return insert_pages.error();
  LmdbBatch batch{*transaction, x_tables_, {*insert_pages, x_environment_.page_bytes()}};
  std::vector<StoreResult> results;
  results.reserve(ops.size());
  for (const StoreOp& op : ops) {
    auto result = batch.apply(op);
    if (!result) return result.error();
    results.push_back(std::move(*result));
  }
  if (auto written = batch.write(); !written) return written.error();
  if (auto committed = transaction->commit(); !committed) {
    return commit_failure(committed.error(), body_bytes(ops));
  }
  return results;
}

Error LmdbTaskStore::commit_failure(Error error, std::size_t batch_bytes) {
  if (error.code == ErrorCode::store_full) return error;
  // LMDB reports a write that a full disk cut short as an I/O error. Both look the same to it, but
  // not to us: on a full disk the file cannot be given more blocks either, and going on is safe
  // once there are some.
  const std::size_t wanted = x_environment_.file_bytes_needed() + batch_bytes + probe_slack_bytes;
  if (auto room = x_directory_.allocate_database(wanted);
      !room && room.error().code == ErrorCode::store_full) {
    return room.error();
  }
  x_broken_ = std::move(error);
  return *x_broken_;
}

Result<std::size_t> LmdbTaskStore::insert_pages_left(const lmdb::Transaction& transaction) const {
  // Pages in use, not the length of the file: the file keeps freed pages and reuses them.
  std::size_t used = 0;
  for (std::size_t index = 0; index < table_count; ++index) {
    auto size = transaction.size(x_tables_[static_cast<TableName>(index)]);
    if (!size) return size.error();
    used += size->pages;
  }
  return x_insert_pages_ - std::min(x_insert_pages_, used);
}

// -- reads ----------------------------------------------------------------------------------------

Result<std::optional<Task>> LmdbTaskStore::load(TaskId id) const {
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  return read_task(**snapshot, x_tables_, id);
}

Result<Bytes> LmdbTaskStore::load_body(TaskId id, BodyKind kind) const {
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  return read_body(**snapshot, x_tables_, id, kind);
}

Result<TaskCounts> LmdbTaskStore::task_counts() const {
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  return read_counts(**snapshot, x_tables_);
}

Result<std::optional<Task>> LmdbTaskStore::find_idempotent(std::string_view hash) const {
  // LMDB takes no empty key, and no task has one.
  if (hash.empty() || hash.size() > idempotency_hash_bytes_max) return std::optional<Task>{};
  auto snapshot = x_readers_.snapshot();
  if (!snapshot) return snapshot.error();
  auto holder = (*snapshot)->get(x_tables_[TableName::idem], hash);
  if (!holder) return holder.error();
  const auto id = *holder ? id_in_value(**holder) : std::nullopt;
  if (!id) return std::optional<Task>{};
  return read_task(**snapshot, x_tables_, *id);
}

}  // namespace signalbox::persistence
