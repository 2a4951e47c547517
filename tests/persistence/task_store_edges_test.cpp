// Goal: the rest of the contract, at its edges: operations that no store takes, names of any bytes,
// documents, and the list that the collector of old tasks works from.
#include "tests/persistence/store_fixtures.hpp"

#define STORE_TEST(name) \
  TEMPLATE_TEST_CASE("task_store: " name, "[persistence]", MemoryFixture, LmdbFixture)

namespace signalbox::persistence::test {
namespace {

using Outcome = StoreResult::Outcome;
using enum TaskState;

}  // namespace

STORE_TEST("malformed operations are refused alone") {
  TestType fixture;
  Task long_pool = make_task(1);
  long_pool.pool = std::string(129, 'p');
  Task long_owner = make_task(1);
  long_owner.owner = std::string(129, 'o');
  Task long_hash = make_task(1);
  long_hash.idempotency_hash = std::string(65, 'h');
  Task not_new = make_task(1);
  not_new.state = claimed;
  MoveTask long_backend = claim(2, 1);
  long_backend.backend = std::string(129, 'b');
  const std::vector<StoreOp> ops{insert(long_pool),
                                 insert(long_owner),
                                 insert(long_hash),
                                 insert(not_new),
                                 insert(2),
                                 claim(2, 1, std::string(129, 'w')),
                                 long_backend,
                                 PutDocument{std::string(65, 'k'), "n", "v"},
                                 PutDocument{"k", std::string(401, 'n'), "v"}};
  const auto results = fixture.store().commit(ops);
  for (std::size_t index = 0; index < ops.size(); ++index) {
    INFO("operation " << index);
    if (index == 4) {
      CHECK(results[index].outcome == Outcome::applied);
    } else {
      CHECK(results[index].outcome == Outcome::failed);
      CHECK(results[index].error.code == ErrorCode::invalid_request);
    }
  }
  CHECK(list_all(fixture.store(), {}) == std::vector<std::uint64_t>{2});
}

STORE_TEST("names of any bytes up to their limit are kept apart") {
  TestType fixture;
  const std::vector<std::string> names{"",
                                       "a",
                                       std::string("a\0", 2),
                                       std::string("a\0b", 3),
                                       "ab",
                                       std::string(128, '\xff'),
                                       std::string(127, '\xff')};
  std::uint64_t number = 0;
  for (const std::string& name : names) {
    Task task = make_task(++number);
    task.pool = name;
    task.owner = name;
    commit_all(fixture.store(), {insert(task)});
  }
  for (number = 2; number <= names.size(); ++number) {
    TaskQuery by_pool;
    by_pool.states = {pending};
    by_pool.pool = names[number - 1];
    CHECK(list_all(fixture.store(), by_pool) == std::vector{number});
    TaskQuery by_owner;
    by_owner.owner = names[number - 1];
    CHECK(list_all(fixture.store(), by_owner) == std::vector{number});
  }
  CHECK(pending_after_recovery(fixture.store()).size() == names.size());
  fixture.require_sound();
}

STORE_TEST("documents are put, replaced, deleted and listed by name") {
  TestType fixture;
  TaskStore& store = fixture.store();
  commit_all(store, {PutDocument{"profile", "b", "1"}, PutDocument{"profile", "a", "2"},
                     PutDocument{"prof", "z", "3"}, PutDocument{"profile", "", "4"},
                     PutDocument{"agent", "a", "5"}, PutDocument{"profile", "b", "6"}});
  using Documents = std::vector<std::pair<std::string, std::string>>;
  CHECK(*store.documents("profile") == Documents{{"", "4"}, {"a", "2"}, {"b", "6"}});
  CHECK(*store.documents("prof") == Documents{{"z", "3"}});
  commit_all(store, {PutDocument{"profile", "a", ""}, PutDocument{"profile", "gone", ""}});
  CHECK(*store.documents("profile") == Documents{{"", "4"}, {"b", "6"}});
  const std::string large(100000, 'x');
  commit_all(store, {PutDocument{"agent", "a", large}});
  CHECK(store.documents("agent")->at(0).second == large);
  CHECK(store.documents(std::string(600, 'k'))->empty());
  fixture.reopen();
  CHECK(fixture.store().documents("profile")->size() == 2);
  fixture.require_sound();
}

STORE_TEST("finished tasks are found in the order they ended") {
  TestType fixture;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 6; ++number) {
    MoveTask end = cancel(number);
    end.at = at_ms(static_cast<std::int64_t>(number * 7 % 6) + 1);
    Task task = make_task(number);
    task.created_at = at_ms(0);
    ops.emplace_back(insert(std::move(task)));
    if (number != 4) ops.emplace_back(end);
  }
  commit_all(fixture.store(), ops);
  // 6 ended at 1, 1 at 2, 2 at 3, 3 at 4, 5 at 6.
  CHECK(*fixture.store().finished_before(at_ms(6), 10) ==
        std::vector{task_id(6), task_id(1), task_id(2), task_id(3)});
  CHECK(*fixture.store().finished_before(at_ms(7), 2) == std::vector{task_id(6), task_id(1)});
  CHECK(fixture.store().finished_before(at_ms(1), 10)->empty());
}

STORE_TEST("pending tasks made before a moment are found, queue by queue") {
  TestType fixture;
  TaskStore& store = fixture.store();
  const auto stale = [&](std::uint64_t before, std::size_t limit) {
    return numbers_of(must(store.stale_pending(task_id(before).created_at(), limit)));
  };
  CHECK(stale(100, 10).empty());
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 12; ++number) {
    Task task = make_task(number);
    task.pool = number % 2 == 0 ? "a" : "b";
    task.priority = number % 4 < 2 ? Priority::background : Priority::interactive;
    ops.emplace_back(insert(task));
  }
  // Held and finished tasks are not pending, whatever their age.
  ops.emplace_back(claim(2, 7));
  ops.emplace_back(cancel(3));
  commit_all(store, ops);

  using Numbers = std::vector<std::uint64_t>;
  CHECK(stale(0, 10).empty());
  CHECK(stale(1, 10).empty());
  CHECK(stale(2, 10) == Numbers{1});
  CHECK(stale(8, 10) == Numbers{6, 4, 7, 1, 5});
  CHECK(stale(9, 10) == Numbers{6, 4, 8, 7, 1, 5});
  CHECK(stale(100, 100) == Numbers{6, 10, 4, 8, 12, 7, 11, 1, 5, 9});
  CHECK(stale(100, 3) == Numbers{6, 10, 4});
  CHECK(stale(100, 0).empty());
  // One that was put back has waited since then.
  MoveTask back = give_back(2, 7, false);
  back.at = task_id(5).created_at();
  commit_all(store, {back});
  CHECK(stale(3, 10) == Numbers{1});
  CHECK(stale(5, 10) == Numbers{4, 1});
  CHECK(stale(6, 10) == Numbers{2, 4, 1, 5});
  CHECK(stale(6, 1) == Numbers{2});
  CHECK(stale(5, 1) == Numbers{4});
}

STORE_TEST("pools of any length keep their stale tasks apart") {
  TestType fixture;
  std::uint64_t number = 0;
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{127}, std::size_t{128}}) {
    for (int count = 0; count < 3; ++count) {
      Task task = make_task(++number);
      task.pool = std::string(length, '\xff');
      commit_all(fixture.store(), {insert(task)});
    }
  }
  const auto found = must(fixture.store().stale_pending(task_id(12).created_at(), 100));
  CHECK(numbers_of(found) == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

}  // namespace signalbox::persistence::test
