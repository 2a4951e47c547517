// Goal: opening is safe whatever lies in the directory: a sound store opens as it was, everything
// else is refused with a message that says what to do about it, and nothing is ever overwritten.
#include <fstream>
#include <iterator>

#include "persistence/checksum.hpp"
#include "persistence/lmdb_schema.hpp"
#include "persistence/task_record.hpp"
#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

namespace fs = std::filesystem;

LmdbTaskStore::Options options_for(const std::string& path) {
  LmdbTaskStore::Options options;
  options.path = path;
  options.map_size_bytes = std::size_t{64} << 20U;
  return options;
}

void write_file(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path{path}.parent_path());
  std::ofstream{path, std::ios::binary} << content;
}

void require_refused(const LmdbTaskStore::Options& options, const std::string& reason) {
  const auto opened = LmdbTaskStore::open(options);
  REQUIRE(opened.has_error());
  CHECK(opened.error().code == ErrorCode::store_failed);
  CHECK_THAT(opened.error().message, Catch::Contains(reason));
  CHECK_THAT(opened.error().message, Catch::Contains(options.path));
}

/// Runs `change` on a table behind the store's back.
template <class Change>
void change_table(const std::string& database, const char* name, const Change& change) {
  lmdb::Environment::Options options;
  options.map_bytes = std::size_t{64} << 20U;
  auto environment = must(lmdb::Environment::open(database, options));
  auto transaction = must(environment.begin_write());
  const lmdb::Table table = must(transaction.open_table(name, true));
  {
    auto cursor = must(lmdb::Cursor::open(transaction, table));
    change(cursor);
  }
  must(transaction.commit());
}

void set_meta(const std::string& database, std::string_view name, std::uint64_t value) {
  change_table(database, "meta",
               [&](lmdb::Cursor& cursor) { must(cursor.put(name, encode_number(value))); });
}

std::optional<std::uint64_t> get_meta(const std::string& database, std::string_view name) {
  std::optional<std::uint64_t> value;
  change_table(database, "meta", [&](lmdb::Cursor& cursor) {
    value = decode_number(must(cursor.seek(name))->value);
  });
  return value;
}

/// Writes the record as version 1 did. @pre `task` has no backend and no log.
void set_version_1(const std::string& database, const Task& task) {
  std::string record;
  encode_task(task, record);
  // Version 3 ends in an empty name, an empty log, no preemptions, and four bytes of checksum.
  record.resize(record.size() - 7);
  record[0] = 1;
  record += encode_number(crc32c(record)).substr(4);
  change_table(database, "task",
               [&](lmdb::Cursor& cursor) { must(cursor.put(task_key(task.id).view(), record)); });
}

}  // namespace

TEST_CASE("lmdb_task_store: a reopened store has everything", "[persistence]") {
  LmdbFixture fixture;
  Task keyed = make_task(4);
  keyed.idempotency_hash = "key";
  commit_all(fixture.store(),
             {insert(1), insert(2), insert(3), insert(keyed), claim(2, 7), claim(3, 8),
              complete(3, 8, "answer"), PutDocument{"profile", "a", "{}"}});
  std::vector<Task> before;
  for (std::uint64_t number = 1; number <= 4; ++number) {
    before.push_back(*load(fixture.store(), number));
  }
  fixture.reopen();
  for (std::uint64_t number = 1; number <= 4; ++number) {
    CHECK(load(fixture.store(), number) == before[number - 1]);
  }
  CHECK(body(fixture.store(), 1, BodyKind::request) == "request 1");
  CHECK(body(fixture.store(), 3, BodyKind::response) == "answer");
  CHECK(must(fixture.store().find_idempotent("key"))->id == task_id(4));
  CHECK(must(fixture.store().documents("profile")).size() == 1);
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: a second opening is refused while the first lives", "[persistence]") {
  LmdbFixture fixture;
  require_refused(fixture.options(), "is open in another process (pid");
  fixture.reopen();
  CHECK(fixture.store().boot_counter() == 2);
}

TEST_CASE("lmdb_task_store: a store from the future is refused and left alone", "[persistence]") {
  LmdbFixture fixture;
  commit_all(fixture.store(), {insert(1)});
  fixture.close();
  const std::string database = fixture.options().path + "/database";
  set_meta(database, meta_schema_version, schema_version + 1);
  require_refused(fixture.options(),
                  "a newer signalbox wrote it (schema " + std::to_string(schema_version + 1));
  set_meta(database, meta_schema_version, schema_version);
  fixture.open();
  CHECK(load(fixture.store(), 1));
  // The refused opening did not count as one.
  CHECK(fixture.store().boot_counter() == 2);
}

TEST_CASE("lmdb_task_store: a store of schema 1 opens, and its rows go on", "[persistence]") {
  LmdbFixture fixture;
  commit_all(fixture.store(), {insert(1), insert(2), insert(3), insert(4), cancel(2)});
  std::vector<Task> before;
  for (std::uint64_t number = 1; number <= 4; ++number) {
    before.push_back(*load(fixture.store(), number));
  }
  fixture.close();
  const std::string database = fixture.options().path + "/database";
  for (const Task& task : before) set_version_1(database, task);
  set_meta(database, meta_schema_version, 1);

  fixture.open();
  fixture.require_sound();
  for (std::uint64_t number = 1; number <= 4; ++number) {
    CHECK(load(fixture.store(), number) == before[number - 1]);
  }
  CHECK(pending_after_recovery(fixture.store()) == std::vector<std::uint64_t>{1, 3, 4});
  commit_all(fixture.store(), {claim(1, 7), complete(1, 7), DeleteTask{task_id(2)}, claim(4, 8)});
  CHECK(load(fixture.store(), 1)->attempt_log.size() == 1);
  CHECK(load(fixture.store(), 3) == before[2]);
  fixture.require_sound();

  // From here on an older program, which knows schema 1 only, refuses it.
  fixture.close();
  CHECK(get_meta(database, meta_schema_version) == schema_version);
  set_meta(database, meta_schema_version, 0);
  require_refused(fixture.options(), "schema 0");
}

TEST_CASE("lmdb_task_store: a used up boot counter is refused", "[persistence]") {
  LmdbFixture fixture;
  fixture.close();
  set_meta(fixture.options().path + "/database", meta_boot_counter, UINT32_MAX);
  require_refused(fixture.options(), "boot counter is used up");
}

TEST_CASE("lmdb_task_store: files that are no store are refused and left alone", "[persistence]") {
  const TempDirectory directory;
  const auto options = options_for(directory / "store");
  const std::string file = options.path + "/database/data.mdb";
  SECTION("text") {
    write_file(file, "this is not a database");
    require_refused(options, "Cannot open");
    CHECK(fs::file_size(file) == 22);
  }
  SECTION("pages of garbage") {
    std::string garbage(1 << 20U, '\0');
    for (std::size_t index = 0; index < garbage.size(); ++index) {
      garbage[index] = static_cast<char>(index * index >> 7U);
    }
    write_file(file, garbage);
    require_refused(options, "MDB_INVALID");
    CHECK(fs::file_size(file) == garbage.size());
  }
  SECTION("an empty file") {
    write_file(file, "");
    require_refused(options, "has lost its file");
  }
  SECTION("no file in the directory of the database") {
    fs::create_directories(options.path + "/database");
    require_refused(options, "has lost its file");
  }
  SECTION("somebody else's LMDB") {
    fs::create_directories(options.path + "/database");
    set_meta(options.path + "/database", "something", 1);
    require_refused(options, "it has no schema_version");
  }
  SECTION("a file where the directory should be") {
    write_file(options.path, "x");
    require_refused(options, "is not a directory");
  }
}

TEST_CASE("lmdb_task_store: a directory that cannot be made is refused", "[persistence]") {
  const TempDirectory directory;
  require_refused(options_for(directory / "missing/store"), "cannot be made");
}

TEST_CASE("lmdb_task_store: options out of range are refused", "[persistence]") {
  const TempDirectory directory;
  auto options = options_for(directory / "store");
  options.map_size_bytes = 1000;
  require_refused(options, "map_size");
  options.map_size_bytes = std::size_t{64} << 20U;
  options.insert_share = 1.5;
  require_refused(options, "insert_share");
}

TEST_CASE("lmdb_task_store: what a stop during creation left over is made anew", "[persistence]") {
  const TempDirectory directory;
  const auto options = options_for(directory / "store");
  write_file(options.path + "/database.new/data.mdb", "half a page");
  auto store = must(LmdbTaskStore::open(options));
  CHECK(store->boot_counter() == 1);
  CHECK_FALSE(fs::exists(options.path + "/database.new"));
  commit_all(*store, {insert(1)});
}

TEST_CASE("lmdb_task_store: the files are for their owner only", "[persistence]") {
  LmdbFixture fixture;
  const auto others = fs::perms::group_all | fs::perms::others_all;
  for (const std::string& path : {fixture.options().path, fixture.data_file()}) {
    CHECK((fs::status(path).permissions() & others) == fs::perms::none);
  }
}

TEST_CASE("lmdb_task_store: a smaller map than before still opens", "[persistence]") {
  const TempDirectory directory;
  auto options = options_for(directory / "store");
  commit_all(*must(LmdbTaskStore::open(options)),
             {insert(make_task(1), std::string(30 << 20U, 'x'))});
  options.map_size_bytes = std::size_t{16} << 20U;
  auto store = must(LmdbTaskStore::open(options));
  CHECK(body(*store, 1, BodyKind::request).size() == 30 << 20U);
  // It is full, but what is there can be finished and deleted.
  CHECK(commit_one(*store, insert(2)).error.code == ErrorCode::store_full);
  commit_all(*store, {cancel(1)});
}

TEST_CASE("lmdb_task_store: a file cut short is refused, wherever it was cut", "[persistence]") {
  LmdbFixture fixture;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    ops.emplace_back(insert(make_task(number), std::string(number % 7 == 0 ? 9000 : 400, 'x')));
  }
  commit_all(fixture.store(), ops);
  fixture.close();
  std::ifstream whole_file{fixture.data_file(), std::ios::binary};
  const std::string whole{std::istreambuf_iterator<char>{whole_file}, {}};
  REQUIRE(whole.size() > 100 * 4096);
  for (std::size_t pages = 0; pages < whole.size() / 4096; pages += 9) {
    INFO("cut to " << pages << " pages and a half");
    write_file(fixture.data_file(), whole.substr(0, pages * 4096 + 2048));
    const auto opened = LmdbTaskStore::open(fixture.options());
    REQUIRE(opened.has_error());
    REQUIRE(opened.error().code == ErrorCode::store_failed);
  }
  write_file(fixture.data_file(), whole);
  fixture.open();
  fixture.require_sound();
}

}  // namespace signalbox::persistence::test
