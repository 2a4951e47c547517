// Goal: how many tasks are in each state is known at any time without looking at them, over
// restarts, and also in a store that an older broker wrote to. Method: both stores, against what
// was done to them.
#include <lmdb.h>

#include "tests/persistence/store_fixtures.hpp"

#define STORE_TEST(name) \
  TEMPLATE_TEST_CASE("task_store: " name, "[persistence]", MemoryFixture, LmdbFixture)

namespace signalbox::persistence::test {
namespace {

/// pending, claimed, running, completed, error, cancelled
TaskCounts counts(const TaskStore& store) {
  return must(store.task_counts());
}

/// Takes the row of counts out of a closed store, or replaces it.
void set_counts(const std::string& database, const std::string& value) {
  MDB_env* environment = nullptr;
  MDB_txn* transaction = nullptr;
  MDB_dbi meta = 0;
  REQUIRE(mdb_env_create(&environment) == 0);
  REQUIRE(mdb_env_set_maxdbs(environment, 16) == 0);
  REQUIRE(mdb_env_open(environment, database.c_str(), 0, 0600) == 0);
  REQUIRE(mdb_txn_begin(environment, nullptr, 0, &transaction) == 0);
  REQUIRE(mdb_dbi_open(transaction, "meta", 0, &meta) == 0);
  std::string name = "task_counts";
  MDB_val key{name.size(), name.data()};
  if (value.empty()) {
    REQUIRE(mdb_del(transaction, meta, &key, nullptr) == 0);
  } else {
    std::string bytes = value;
    MDB_val data{bytes.size(), bytes.data()};
    REQUIRE(mdb_put(transaction, meta, &key, &data, 0) == 0);
  }
  REQUIRE(mdb_txn_commit(transaction) == 0);
  mdb_env_close(environment);
}

void fill(TaskStore& store) {
  commit_all(store, {insert(1), insert(2), insert(3), insert(4), insert(5), insert(6), insert(7)});
  commit_all(store, {claim(2, 1), claim(3, 2), run(3, 2), claim(4, 3), complete(4, 3), claim(5, 4),
                     fail(5, 4), cancel(6)});
}

}  // namespace

STORE_TEST("tasks are counted by state") {
  TestType fixture;
  CHECK(counts(fixture.store()) == TaskCounts{});
  fill(fixture.store());
  CHECK(counts(fixture.store()) == TaskCounts{2, 1, 1, 1, 1, 1});
  commit_all(fixture.store(), {DeleteTask{task_id(4)}, DeleteTask{task_id(6)}, insert(8)});
  CHECK(counts(fixture.store()) == TaskCounts{3, 1, 1, 0, 1, 0});
  fixture.require_sound();
}

STORE_TEST("what is refused is not counted") {
  TestType fixture;
  fill(fixture.store());
  CHECK(commit_one(fixture.store(), insert(1)).outcome == StoreResult::Outcome::conflict);
  CHECK(commit_one(fixture.store(), complete(4, 3)).outcome == StoreResult::Outcome::conflict);
  CHECK(commit_one(fixture.store(), DeleteTask{task_id(99)}).outcome ==
        StoreResult::Outcome::missing);
  CHECK(counts(fixture.store()) == TaskCounts{2, 1, 1, 1, 1, 1});
}

STORE_TEST("a restart knows the counts, and recovery changes them") {
  TestType fixture;
  fill(fixture.store());
  fixture.reopen();
  CHECK(counts(fixture.store()) == TaskCounts{2, 1, 1, 1, 1, 1});
  pending_after_recovery(fixture.store());
  CHECK(counts(fixture.store()) == TaskCounts{4, 0, 0, 1, 1, 1});
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: counts that an older broker left behind are counted anew",
          "[persistence]") {
  LmdbFixture fixture;
  fill(fixture.store());
  const std::string stale = GENERATE(std::string{}, std::string(48, '\0'), std::string{"short"});
  const std::string database = fixture.data_file().substr(0, fixture.data_file().find_last_of('/'));
  fixture.close();
  set_counts(database, stale);
  fixture.open();
  CHECK(counts(fixture.store()) == TaskCounts{2, 1, 1, 1, 1, 1});
  fixture.require_sound();
}

}  // namespace signalbox::persistence::test
