// Goal: lists are right whichever index they walk: each filter and all of them together, page by
// page, against a plain filter over all tasks. And no page looks at more than its share of a large
// store.
#include <algorithm>

#include "persistence/store_rules.hpp"
#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

using enum TaskState;

/// 600 tasks of all kinds, in batches; the same for every store.
std::vector<Task> fill(TaskStore& store) {
  std::vector<Task> tasks;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 600; ++number) {
    Task task = make_task(number);
    task.pool = number % 3 == 0 ? "chat" : "embed";
    task.llm = number % 5 == 0 ? "qwen" : "llama";
    task.agent = number % 7 == 0 ? "reviewer" : "";
    task.owner = number % 2 == 0 ? "alice" : "bob";
    task.priority = all_priorities[number % 4 % 3];
    ops.emplace_back(insert(task));
    if (number % 11 < 5) ops.emplace_back(claim(number, 1, "worker-" + std::to_string(number % 4)));
    if (number % 11 < 3) ops.emplace_back(run(number, 1));
    if (number % 11 == 0) ops.emplace_back(complete(number, 1));
    if (number % 11 == 9) ops.emplace_back(cancel(number));
    tasks.push_back(task);
  }
  commit_all(store, ops);
  for (Task& task : tasks) task = *load(store, number_of(task.id));
  std::ranges::reverse(tasks);
  return tasks;
}

std::vector<TaskQuery> queries() {
  std::vector<TaskQuery> all;
  const std::vector<std::vector<TaskState>> state_filters{
      {}, {pending}, {claimed, running}, {running}, {completed, cancelled}, {pending, claimed}};
  for (const auto& states : state_filters) {
    for (unsigned mask = 0; mask < 32; ++mask) {
      TaskQuery query;
      query.states = states;
      if ((mask & 1U) != 0) query.pool = "chat";
      if ((mask & 2U) != 0) query.owner = "alice";
      if ((mask & 4U) != 0) query.llm = "qwen";
      if ((mask & 8U) != 0) query.agent = "reviewer";
      if ((mask & 16U) != 0) query.priority = Priority::background;
      all.push_back(query);
    }
  }
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("task_store: every filter, page by page, newest first", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  TestType fixture;
  const std::vector<Task> tasks = fill(fixture.store());
  for (TaskQuery query : queries()) {
    std::vector<std::uint64_t> expected;
    for (const Task& task : tasks) {
      if (matches(query, task)) expected.push_back(number_of(task.id));
    }
    INFO("pool=" << query.pool << " owner=" << query.owner << " llm=" << query.llm
                 << " agent=" << query.agent << " states=" << query.states.size());
    for (const std::size_t limit : {7U, 500U}) {
      query.limit = limit;
      REQUIRE(list_all(fixture.store(), query) == expected);
    }
    query.cursor = task_id(301);
    std::erase_if(expected, [](std::uint64_t number) { return number >= 301; });
    REQUIRE(list_all(fixture.store(), query) == expected);
  }
}

TEMPLATE_TEST_CASE("task_store: the limit of a page is 1 to 500 and its cursor ends with the tasks",
                   "[persistence]", MemoryFixture, LmdbFixture) {
  TestType fixture;
  fill(fixture.store());
  TaskQuery query;
  query.limit = 0;
  CHECK(fixture.store().list(query)->tasks.size() == 1);
  query.limit = 100000;
  const auto first = fixture.store().list(query);
  CHECK(first->tasks.size() == 500);
  CHECK(first->next_cursor == task_id(101));
  query.limit = 100;
  query.cursor = first->next_cursor;
  const auto last = fixture.store().list(query);
  CHECK(last->tasks.size() == 100);
  CHECK_FALSE(last->next_cursor);
  query.cursor = task_id(1);
  CHECK(fixture.store().list(query)->tasks.empty());
  query.cursor = TaskId{};
  CHECK(fixture.store().list(query)->tasks.empty());
  query.cursor.reset();
  query.owner = std::string(500, 'o');
  CHECK(fixture.store().list(query)->tasks.empty());
}

TEMPLATE_TEST_CASE("task_store: a page looks at a bounded number of rows", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  TestType fixture;
  const std::size_t count = 2 * page_rows_examined_max + 10;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= count; ++number) {
    Task task = make_task(number);
    if (number == 5) task.agent = "rare";
    ops.emplace_back(InsertTask{share(task), nullptr});
  }
  commit_all(fixture.store(), ops);
  TaskQuery query;
  query.agent = "rare";
  SECTION("over all tasks") {}
  SECTION("over one owner's") {
    query.owner = "alice";
  }
  SECTION("over a queue") {
    query.pool = "chat";
    query.states = {pending};
  }
  const auto page = fixture.store().list(query);
  CHECK(page->tasks.empty());
  CHECK(page->next_cursor == task_id(count - page_rows_examined_max + 1));
  CHECK(list_all(fixture.store(), query) == std::vector<std::uint64_t>{5});
}

TEST_CASE("lmdb_task_store: many held tasks are listed too", "[persistence]") {
  LmdbFixture fixture;
  const std::size_t count = page_rows_examined_max + 10;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= count; ++number) {
    ops.emplace_back(InsertTask{share(make_task(number)), nullptr});
    ops.emplace_back(claim(number, 1));
  }
  commit_all(fixture.store(), ops);
  TaskQuery query;
  query.states = {claimed};
  query.limit = 500;
  CHECK(list_all(fixture.store(), query).size() == count);
}

}  // namespace signalbox::persistence::test
