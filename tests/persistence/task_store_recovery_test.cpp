// Goal: after a restart every task that was held is in its queue again, or ended when it has had
// its attempts, and the scheduler sees the queues in enqueue order. Method: both stores, restarted
// in known states.
#include "tests/persistence/store_fixtures.hpp"

#define STORE_TEST(name) \
  TEMPLATE_TEST_CASE("task_store: " name, "[persistence]", MemoryFixture, LmdbFixture)

namespace signalbox::persistence::test {
namespace {

using enum TaskState;

}  // namespace

STORE_TEST("each opening raises the boot counter") {
  TestType fixture;
  CHECK(fixture.store().boot_counter() == 1);
  fixture.reopen();
  CHECK(fixture.store().boot_counter() == 2);
  fixture.reopen();
  CHECK(fixture.store().boot_counter() == 3);
}

STORE_TEST("recovery sends held tasks back and visits all pending ones in id order") {
  TestType fixture;
  Task attended = make_task(2);
  attended.attended = true;
  attended.metadata = "{}";
  commit_all(fixture.store(),
             {insert(5), insert(attended), insert(9), insert(1), insert(4), insert(7), claim(2, 7),
              claim(9, 8, "worker-2"), run(9, 8), cancel(4), claim(7, 9), complete(7, 9)});
  fixture.reopen();
  CHECK(pending_after_recovery(fixture.store()) == std::vector<std::uint64_t>{1, 2, 5, 9});

  Task expected = attended;
  expected.attempts = 1;
  expected.attempt_log = {{1, "qwen", "worker-1", at_ms(1000), at_ms(9000),
                           Attempt::Outcome::returned, ErrorCode::worker_lost}};
  CHECK(load(fixture.store(), 2) == expected);
  const auto streamed = load(fixture.store(), 9);
  CHECK(streamed->state == pending);
  CHECK(streamed->epoch == 0);
  CHECK(streamed->losses == 0);
  CHECK(streamed->stream_started_at == WallTime{});
  CHECK(load(fixture.store(), 4)->state == cancelled);
  CHECK(body(fixture.store(), 7, BodyKind::response) == "done");
  fixture.require_sound();
}

STORE_TEST("recovery ends a task that has had its attempts") {
  TestType fixture;
  commit_all(fixture.store(),
             {insert(1), claim(1, 1), give_back(1, 1, true), claim(1, 2), insert(2), claim(2, 3)});
  // What was given back in good order does not count.
  commit_all(fixture.store(), {insert(3), claim(3, 4), give_back(3, 4, false), claim(3, 5)});
  fixture.reopen();
  CHECK(pending_after_recovery(fixture.store(), 2) == std::vector<std::uint64_t>{2, 3});
  const auto lost = load(fixture.store(), 1);
  CHECK(lost->state == TaskState::error);
  CHECK(lost->error_code == ErrorCode::worker_lost);
  CHECK_THAT(lost->error_message, Catch::Contains("attempt 2 of at most 2"));
  CHECK(lost->completed_at == at_ms(9000));
  CHECK(lost->losses == 1);
  CHECK(load(fixture.store(), 3)->attempts == 2);
  fixture.require_sound();
}

STORE_TEST("what is visited is enough to queue a task") {
  TestType fixture;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 30; ++number) {
    Task task = make_task(number);
    task.pool = "pool-" + std::to_string(number % 3);
    task.profile = "profile-" + std::to_string(number % 5);
    task.priority = all_priorities[number % 3];
    ops.emplace_back(insert(task));
  }
  commit_all(fixture.store(), ops);
  fixture.reopen();
  std::uint64_t number = 0;
  must(fixture.store().recover(3, at_ms(1), [&](const PendingTask& seen) {
    const auto task = load(fixture.store(), ++number);
    REQUIRE(seen.id == task->id);
    CHECK(seen.pool == task->pool);
    CHECK(seen.profile == task->profile);
    CHECK(seen.priority == task->priority);
  }));
  CHECK(number == 30);
}

STORE_TEST("recovery of many held tasks goes over several slices") {
  TestType fixture;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 1700; ++number) {
    ops.emplace_back(insert(number));
    ops.emplace_back(claim(number, number, "worker-" + std::to_string(number % 13)));
  }
  commit_all(fixture.store(), ops);
  fixture.reopen();
  const auto pending_tasks = pending_after_recovery(fixture.store());
  REQUIRE(pending_tasks.size() == 1700);
  CHECK(std::ranges::is_sorted(pending_tasks));
  CHECK(pending_after_recovery(fixture.store()) == pending_tasks);
  fixture.require_sound();
}

TEST_CASE("memory_task_store: a failing commit keeps nothing", "[persistence]") {
  MemoryTaskStore store;
  commit_all(store, {insert(1)});
  store.fail_next_commit(make_error(ErrorCode::store_full, "full"), 2);
  for (int round = 0; round < 2; ++round) {
    const auto results = store.commit(std::vector<StoreOp>{insert(2), cancel(1)});
    REQUIRE(results.size() == 2);
    for (const StoreResult& result : results) {
      CHECK(result.outcome == StoreResult::Outcome::failed);
      CHECK(result.error.code == ErrorCode::store_full);
    }
  }
  CHECK(load(store, 1)->state == pending);
  commit_all(store, {insert(2), cancel(1)});
}

TEST_CASE("memory_task_store: a crash keeps all of a batch or nothing of it", "[persistence]") {
  MemoryTaskStore store;
  const bool reached_the_disk = GENERATE(false, true);
  commit_all(store, {insert(1)});
  store.crash_during_next_commit(reached_the_disk);
  for (const StoreResult& result : store.commit(std::vector<StoreOp>{insert(2), cancel(1)})) {
    CHECK(result.outcome == StoreResult::Outcome::failed);
    CHECK(result.error.code == ErrorCode::store_failed);
  }
  CHECK(commit_one(store, insert(3)).outcome == StoreResult::Outcome::failed);
  CHECK(store.recover(3, at_ms(0), [](const PendingTask&) {}).has_error());
  store.reopen();
  CHECK(load(store, 2).has_value() == reached_the_disk);
  CHECK(load(store, 1)->state == (reached_the_disk ? cancelled : pending));
  commit_all(store, {insert(3)});
  store.crash();
  CHECK(commit_one(store, insert(4)).outcome == StoreResult::Outcome::failed);
  store.reopen();
  CHECK(store.boot_counter() == 3);
  CHECK(load(store, 3));
}

}  // namespace signalbox::persistence::test
