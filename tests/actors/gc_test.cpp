// Goal: what is old goes, in slices, what is young stays, and whoever waits is told. Method: a
// house with an impatient collector on the virtual clock.
#include <catch2/catch.hpp>

#include "actors/store/gc_actor.hpp"
#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {
namespace {

/// Looks every 10 s; pending 30 s, terminal 60 s, call rows 90 s, sessions 100 s.
FixtureOptions impatient() {
  FixtureOptions options;
  options.session_rules = {20s, 2s};
  options.gc = config::GcSettings{10, 30, 60, 90};
  options.session_retention_s = 100;
  return options;
}

std::size_t rows_left(HouseFixture& house) {
  std::size_t count = 0;
  TaskQuery query;
  query.limit = 500;
  while (true) {
    const auto page = house.store().list(query);
    count += page->tasks.size();
    if (!page->next_cursor) return count;
    query.cursor = page->next_cursor;
  }
}

std::size_t call_rows_left(HouseFixture& house) {
  std::size_t count = 0;
  CallQuery query;
  query.limit = call_page_max;
  do {
    const auto page = house.store().list_calls(query);
    count += page->rows.size();
    query.cursor = page->next_cursor;
  } while (query.cursor);
  return count;
}

}  // namespace

TEST_CASE("collector: a pending task expires, and its caller is told", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  const auto caller = house.submit({.target = "alice", .queue_wait = 300s});
  const auto row = house.submit({.target = "alice", .is_async = true});
  house.world().advance(20s);
  const auto young = house.submit({.target = "alice", .is_async = true});
  house.world().advance(11s);
  CHECK_FALSE(house.told(caller).is_over());
  house.world().advance(10s);
  CHECK(house.told(caller).code() == ErrorCode::task_expired);
  CHECK(house.stored(row).state == TaskState::error);
  CHECK(house.stored(row).error_code == ErrorCode::task_expired);
  CHECK(house.stored(young).state == TaskState::pending);
  worker.bind();
  CHECK(worker.sent() == std::vector{house.task_of(young)});
}

TEST_CASE("collector: what runs does not expire, however old", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  worker.bind();
  const auto call = house.submit({.target = "alice", .is_async = true});
  for (int round = 0; round < 9; ++round) {
    house.world().advance(10s);
    worker.heartbeat();
  }
  CHECK(house.stored(call).state == TaskState::claimed);
  // The collector's order may come when its turn has come, too.
  caf::anon_send(house.house().broker,
                 actors::OrderEnd{house.task_of(call), make_error(ErrorCode::task_expired, "old"),
                                  house.world().wall()->now()});
  house.world().run();
  CHECK(house.stored(call).state == TaskState::claimed);
}

TEST_CASE("collector: a task that was put back has not waited since it was made", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  worker.bind();
  const auto call = house.submit({.target = "alice", .is_async = true});
  for (int round = 0; round < 4; ++round) {
    house.world().advance(10s);
    worker.heartbeat();
  }
  worker.unbind();
  REQUIRE(house.stored(call).losses == 1);
  house.world().advance(21s);
  CHECK(house.stored(call).state == TaskState::pending);
  // The collector may have looked before it was claimed.
  caf::anon_send(house.house().broker,
                 actors::OrderEnd{house.task_of(call), make_error(ErrorCode::task_expired, "old"),
                                  house.world().wall()->now() - 30s});
  house.world().run();
  CHECK(house.stored(call).state == TaskState::pending);
  house.world().advance(20s);
  CHECK(house.stored(call).error_code == ErrorCode::task_expired);
}

TEST_CASE("collector: terminal tasks are deleted in slices, the young stay", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  house.add_backend("alpha", 500, whole_answer(1ms));
  constexpr std::size_t old_tasks = 2 * actors::collect_slice + 40;
  for (std::size_t index = 0; index < old_tasks; ++index) {
    house.submit_later({.is_async = true, .key = "key" + std::to_string(index)});
  }
  house.world().advance(50s);
  REQUIRE(rows_left(house) == old_tasks);
  const auto young = house.submit({.is_async = true});
  house.world().advance(19990ms);
  const std::size_t before = rows_left(house);
  CHECK(before == old_tasks + 1);
  house.world().advance(10ms);
  CHECK(rows_left(house) == old_tasks + 1 - actors::collect_slice);
  house.world().advance(5s);
  CHECK(rows_left(house) == 1);
  CHECK(house.stored(young).state == TaskState::completed);
  // A deleted task's key is free again.
  const auto again = house.submit({.is_async = true, .key = "key0"});
  CHECK(house.told(again).accepted->task->id == house.task_of(again));
}

TEST_CASE("collector: a store that fails is tried again at the next sweep", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  house.add_backend("alpha", 500, whole_answer(1ms));
  for (std::size_t index = 0; index <= actors::collect_slice; ++index) {
    house.submit_later({.is_async = true});
  }
  house.world().advance(65s);
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"));
  house.world().advance(9s);
  CHECK(rows_left(house) == actors::collect_slice + 1);
  house.world().advance(10s);
  CHECK(rows_left(house) == 0);
}

// Until they are told to end again in the next sweep, they cost a look now and then.
TEST_CASE("collector: whom the store does not let end is told once in a sweep", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  constexpr std::size_t tasks = 2 * actors::collect_slice + 10;
  for (std::size_t index = 0; index < tasks; ++index) {
    house.submit_later({.target = "alice", .is_async = true});
  }
  const auto pending = [&] {
    return house.store().task_counts()->at(static_cast<std::size_t>(TaskState::pending));
  };
  house.world().advance(39s);
  REQUIRE(pending() == tasks);
  constexpr std::size_t more_than_one_sweep_has = 100;
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"),
                                 more_than_one_sweep_has);
  house.world().advance(10s);
  CHECK(pending() == tasks);
  house.store().fail_next_commit({}, 0);
  house.world().advance(10s);
  CHECK(pending() == 0);
}

TEST_CASE("collector: sessions nobody has heard of are deleted, others stay", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  WorkerFixture dead{house};
  WorkerFixture alive{house};
  REQUIRE(dead.offer({offered("alice")}).error.code == ErrorCode::none);
  REQUIRE(alive.offer({offered("bob")}).error.code == ErrorCode::none);
  alive.bind();
  for (int round = 0; round < 11; ++round) {
    house.world().advance(10s);
    alive.heartbeat();
  }
  CHECK(dead.status().state == SessionState::inactive);
  for (int round = 0; round < 3; ++round) {
    house.world().advance(10s);
    alive.heartbeat();
  }
  CHECK(dead.heartbeat().error.code == ErrorCode::session_not_found);
  CHECK(alive.status().state == SessionState::active);
  CHECK(house.store().documents("worker")->size() == 1);
}

TEST_CASE("collector: call rows go when their time is over, from memory too", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  house.add_backend("alpha", 2000, whole_answer(1s));
  constexpr std::size_t old_calls = 2 * actors::collect_calls_slice + 40;
  for (std::size_t index = 0; index < old_calls; ++index) house.submit_later({.is_async = true});
  // Made with them, ends when they are long gone.
  house.add_backend("beta", 1, whole_answer(70s));
  const auto late = house.submit({.target = "beta", .is_async = true});
  house.world().advance(50s);
  REQUIRE(call_rows_left(house) == old_calls);
  const auto young = house.submit({.is_async = true});
  house.world().advance(39s);
  CHECK(call_rows_left(house) == old_calls + 2);
  house.world().advance(12s);
  CHECK(call_rows_left(house) == 2);
  std::vector<IdBytes> in_memory;
  for (const CallRow& row : house.rows()) in_memory.push_back(row.id);
  CHECK(in_memory == std::vector{house.task_of(young).bytes, house.task_of(late).bytes});
  house.world().advance(50s);
  CHECK(call_rows_left(house) == 1);
  house.world().advance(30s);
  CHECK(call_rows_left(house) == 0);
  CHECK(house.rows().empty());
}

TEST_CASE("collector: call rows a store would not delete go at the next sweep", "[actors][gc]") {
  HouseFixture house{{}, {}, impatient()};
  house.add_backend("alpha", 2000, whole_answer(1s));
  for (std::size_t index = 0; index <= actors::collect_calls_slice; ++index) {
    house.submit_later({.is_async = true});
  }
  house.world().advance(95s);
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"));
  house.world().advance(9s);
  CHECK(call_rows_left(house) == actors::collect_calls_slice + 1);
  house.world().advance(10s);
  CHECK(call_rows_left(house) == 0);
}

}  // namespace signalbox::testing
