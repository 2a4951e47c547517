// Goal: call rows are kept, listed newest first and collected oldest first, alike in both stores;
// in LMDB a store from before there were any gets them, a damaged row costs nobody but itself, and
// history leaves the room that work needs.
#include <algorithm>

#include "persistence/lmdb_rows.hpp"
#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

using Outcome = StoreResult::Outcome;

/// The row of a call made, queued and ended at `number` ms after task 0.
std::shared_ptr<CallRow> call(std::uint64_t number) {
  auto row = std::make_shared<CallRow>();
  row->id = task_id(number).bytes;
  row->profile = "p";
  row->status = CallStatus::ok;
  row->description = "call " + std::to_string(number);
  row->queued_at = task_id(number).created_at();
  row->finished_at = row->queued_at;
  return row;
}

PutCallRows put(std::uint64_t first, std::uint64_t last) {
  PutCallRows op;
  for (std::uint64_t number = first; number <= last; ++number) op.rows.push_back(call(number));
  return op;
}

std::vector<std::uint64_t> numbers_of(const CallRowPage& page) {
  std::vector<std::uint64_t> numbers;
  for (const auto& row : page.rows) numbers.push_back(number_of(TaskId{row->id}));
  return numbers;
}

std::vector<std::uint64_t> list_calls(const TaskStore& store, CallQuery query = {}) {
  std::vector<std::uint64_t> numbers;
  do {
    const CallRowPage page = must(store.list_calls(query));
    for (const auto number : numbers_of(page)) numbers.push_back(number);
    query.cursor = page.next_cursor;
  } while (query.cursor);
  return numbers;
}

WallTime time_of(std::uint64_t number) {
  return task_id(number).created_at();
}

using Numbers = std::vector<std::uint64_t>;

/// A store of schema 2 as it is after seven starts, with nothing in it, and without one table.
void make_store_without(const std::string& path, const std::string& missing) {
  const std::string database = path + "/database";
  std::filesystem::create_directories(database);
  lmdb::Environment::Options options;
  options.map_bytes = std::size_t{64} << 20U;
  auto environment = must(lmdb::Environment::open(database, options));
  auto transaction = must(environment.begin_write());
  for (const char* name : table_names) {
    if (name == missing) continue;
    const lmdb::Table table = must(transaction.open_table(name, true));
    if (name != std::string_view{"meta"}) continue;
    auto cursor = must(lmdb::Cursor::open(transaction, table));
    must(cursor.put(meta_schema_version, encode_number(2)));
    must(cursor.put(meta_boot_counter, encode_number(7)));
  }
  must(transaction.commit());
}

}  // namespace

TEMPLATE_TEST_CASE("call_rows: what was put comes back whole, newest first, over a restart",
                   "[persistence]", MemoryFixture, LmdbFixture) {
  TestType fixture;
  CHECK(list_calls(fixture.store()).empty());
  commit_all(fixture.store(), {put(3, 4), insert(9), put(1, 2), PutCallRows{}});
  fixture.reopen();
  CHECK(list_calls(fixture.store()) == Numbers{4, 3, 2, 1});
  const auto page = must(fixture.store().list_calls({}));
  CHECK(*page.rows.at(1) == *call(3));
  fixture.require_sound();
}

TEMPLATE_TEST_CASE("call_rows: a row put again takes the place of the first", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  TestType fixture;
  commit_all(fixture.store(), {put(1, 3)});
  const auto again = call(2);
  again->status = CallStatus::error;
  const auto last = call(2);
  last->status = CallStatus::cancelled;
  commit_all(fixture.store(), {PutCallRows{{again}}, PutCallRows{{last}}});
  const auto page = must(fixture.store().list_calls({}));
  CHECK(numbers_of(page) == Numbers{3, 2, 1});
  CHECK(page.rows[1]->status == CallStatus::cancelled);
  fixture.require_sound();
}

TEMPLATE_TEST_CASE("call_rows: filters and cursor", "[persistence]", MemoryFixture, LmdbFixture) {
  TestType fixture;
  PutCallRows op = put(1, 60);
  for (auto& row : op.rows) {
    const auto number = number_of(TaskId{row->id});
    auto changed = std::make_shared<CallRow>(*row);
    if (number % 3 == 0) changed->profile = "q";
    if (number % 2 == 0) changed->status = CallStatus::queue_full;
    row = changed;
  }
  commit_all(fixture.store(), {op});
  for (const std::size_t limit : {1U, 7U, 1000U}) {
    CallQuery query;
    query.limit = limit;
    query.profile = "q";
    query.status = CallStatus::queue_full;
    CHECK(list_calls(fixture.store(), query) == Numbers{60, 54, 48, 42, 36, 30, 24, 18, 12, 6});
    query.since = time_of(48);
    CHECK(list_calls(fixture.store(), query) == Numbers{60, 54, 48});
    query.cursor = task_id(54);
    CHECK(list_calls(fixture.store(), query) == Numbers{48});
    query.cursor = task_id(1);
    CHECK(list_calls(fixture.store(), query).empty());
    query.cursor = TaskId{};
    CHECK(list_calls(fixture.store(), query).empty());
    query = {};
    query.profile = "nobody's";
    CHECK(list_calls(fixture.store(), query).empty());
  }
}

TEMPLATE_TEST_CASE("call_rows: a page looks at a bounded number of rows", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  TestType fixture;
  const std::uint64_t count = 2 * call_rows_examined_max + 10;
  PutCallRows op = put(1, count);
  const auto rare = call(5);
  rare->profile = "rare";
  op.rows[4] = rare;
  commit_all(fixture.store(), {op});
  CallQuery query;
  query.profile = "rare";
  const auto page = must(fixture.store().list_calls(query));
  CHECK(page.rows.empty());
  CHECK(page.next_cursor == task_id(count - call_rows_examined_max + 1));
  CHECK(list_calls(fixture.store(), query) == Numbers{5});
}

TEMPLATE_TEST_CASE("call_rows: old ones are found in slices, and deleted", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  TestType fixture;
  TaskStore& store = fixture.store();
  PutCallRows op = put(1, 10);
  // Waited for long: made early, ended late.
  const auto late = call(3);
  late->finished_at = time_of(9);
  op.rows[2] = late;
  commit_all(store, {op});

  auto old = must(store.old_calls(time_of(7), std::nullopt, 4));
  CHECK(test::numbers_of(old.ids) == Numbers{1, 2, 4});
  CHECK(old.next == task_id(4));
  commit_all(store, {DeleteCallRows{old.ids}});
  old = must(store.old_calls(time_of(7), old.next, 4));
  CHECK(test::numbers_of(old.ids) == Numbers{5, 6});
  CHECK_FALSE(old.next);
  // Those of before, and one that never was.
  commit_all(store, {DeleteCallRows{{task_id(5), task_id(6), task_id(1), task_id(99)}}});
  CHECK(list_calls(store) == Numbers{10, 9, 8, 7, 3});

  old = must(store.old_calls(time_of(10), std::nullopt, 100));
  CHECK(test::numbers_of(old.ids) == Numbers{3, 7, 8, 9});
  old = must(store.old_calls(time_of(9), std::nullopt, 100));
  CHECK(test::numbers_of(old.ids) == Numbers{7, 8});
  CHECK_FALSE(old.next);
  fixture.require_sound();
  fixture.reopen();
  CHECK(list_calls(fixture.store()) == Numbers{10, 9, 8, 7, 3});
}

TEMPLATE_TEST_CASE("call_rows: put and deleted in one batch is gone", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  TestType fixture;
  commit_all(fixture.store(), {put(1, 2), DeleteCallRows{{task_id(1)}}});
  CHECK(list_calls(fixture.store()) == Numbers{2});
  commit_all(fixture.store(), {DeleteCallRows{{task_id(2)}}, put(2, 2)});
  CHECK(list_calls(fixture.store()) == Numbers{2});
}

TEST_CASE("lmdb call_rows: a store of before there were any gets their table, but no other",
          "[persistence]") {
  const TempDirectory directory;
  LmdbTaskStore::Options options;
  options.path = directory / "store";
  options.map_size_bytes = std::size_t{64} << 20U;
  const std::string missing = GENERATE("call", "owner");
  make_store_without(options.path, missing);
  if (missing != "call") {
    CHECK(LmdbTaskStore::open(options).has_error());
    return;
  }
  auto store = must(LmdbTaskStore::open(options));
  CHECK(list_calls(*store).empty());
  commit_all(*store, {insert(1), put(1, 1)});
  store.reset();
  store = must(LmdbTaskStore::open(options));
  CHECK(store->boot_counter() == 9);
  CHECK(list_calls(*store) == Numbers{1});
  CHECK(load(*store, 1));
  CHECK(must(store->find_problems()).empty());
}

TEST_CASE("lmdb call_rows: what cannot be read is passed over, named, and collected",
          "[persistence]") {
  LmdbFixture fixture;
  commit_all(fixture.store(), {put(1, 3)});
  fixture.close();
  {
    lmdb::Environment::Options options;
    options.map_bytes = std::size_t{1} << 30U;
    auto environment = must(lmdb::Environment::open(fixture.options().path + "/database", options));
    auto transaction = must(environment.begin_write());
    const lmdb::Table table = must(transaction.open_table("call", false));
    {
      auto cursor = must(lmdb::Cursor::open(transaction, table));
      must(cursor.put(task_key(task_id(2)).view(), "no record"));
    }
    must(transaction.commit());
  }
  fixture.open();
  CHECK(list_calls(fixture.store()) == Numbers{3, 1});
  const auto problems = must(fixture.lmdb().find_problems());
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], Catch::Contains(task_id(2).to_string()));
  const auto old = must(fixture.store().old_calls(time_of(3), std::nullopt, 10));
  CHECK(test::numbers_of(old.ids) == Numbers{1, 2});
  commit_all(fixture.store(), {DeleteCallRows{old.ids}});
  fixture.require_sound();
}

TEST_CASE("lmdb call_rows: rows that fill the store leave room for the tasks that are there",
          "[persistence]") {
  LmdbFixture fixture{std::size_t{16} << 20U};
  commit_all(fixture.store(), {insert(1), insert(2)});
  std::uint64_t number = 1;
  StoreResult result;
  for (std::uint64_t count = 256; count > 0;) {
    PutCallRows op = put(number, number + count - 1);
    for (auto& row : op.rows) {
      auto long_row = std::make_shared<CallRow>(*row);
      long_row->error_detail.assign(1000, 'e');
      row = long_row;
    }
    result = commit_one(fixture.store(), op);
    REQUIRE(number < 100'000);
    if (result.outcome == Outcome::applied) {
      number += count;
    } else {
      count /= 16;
    }
  }
  CHECK(result.error.code == ErrorCode::store_full);
  CHECK(commit_one(fixture.store(), insert(3)).error.code == ErrorCode::store_full);
  commit_all(fixture.store(), {claim(1, 7), complete(1, 7), cancel(2)});
  // Deleting rows makes room again.
  std::vector<TaskId> ids;
  for (std::uint64_t each = 1; each < 512; ++each) ids.push_back(task_id(each));
  commit_all(fixture.store(), {DeleteCallRows{ids}});
  commit_all(fixture.store(), {insert(3)});
  fixture.require_sound();
}

}  // namespace signalbox::persistence::test
