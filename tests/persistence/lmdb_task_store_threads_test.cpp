// Goal: readers on any thread see whole committed batches, never a part of one, while the writer
// goes on. Method: the writer moves two tasks in step; every reader's list must show them in step.
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

/// What was wrong with a list, in the order it was seen.
using Findings = std::vector<std::string>;

std::string describe_wrong_list(const Result<TaskPage>& page, std::uint32_t seen) {
  if (!page) return page.error().message;
  if (page->tasks.size() != 2) return std::to_string(page->tasks.size()) + " tasks";
  const std::uint32_t newer = page->tasks[0].attempts, older = page->tasks[1].attempts;
  if (newer == older && newer >= seen) return {};
  return "attempts " + std::to_string(newer) + " and " + std::to_string(older) + " after " +
         std::to_string(seen);
}

std::string describe_wrong_task(const TaskStore& store) {
  const auto task = store.load(task_id(1));
  if (!task) return task.error().message;
  if (!*task) return "no task";
  const auto request = store.load_body(task_id(1), BodyKind::request);
  if (!request) return request.error().message;
  return *request && **request == "request 1" ? "" : "another request";
}

Findings read_while(const TaskStore& store, const std::atomic<bool>& go_on) {
  Findings wrong;
  std::uint32_t seen = 0;
  while (go_on.load()) {
    const auto page = store.list({});
    if (auto words = describe_wrong_list(page, seen); !words.empty()) {
      wrong.push_back(std::move(words));
      continue;
    }
    seen = page->tasks[0].attempts;
    if (auto words = describe_wrong_task(store); !words.empty()) wrong.push_back(std::move(words));
  }
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("task_store: readers see whole batches while the writer goes on",
                   "[persistence]", MemoryFixture, LmdbFixture) {
  TestType fixture;
  commit_all(fixture.store(), {insert(1), insert(2), claim(1, 1), claim(2, 1)});
  std::atomic<bool> go_on{true};
  std::array<Findings, 6> wrong;
  std::vector<std::thread> readers;
  for (Findings& mine : wrong) {
    readers.emplace_back([&] { mine = read_while(fixture.store(), go_on); });
  }
  std::size_t refused = 0;
  for (Epoch epoch = 1; epoch < 400; ++epoch) {
    const std::vector<StoreOp> ops{give_back(1, epoch, false), give_back(2, epoch, false),
                                   claim(1, epoch + 1), claim(2, epoch + 1)};
    for (const StoreResult& result : fixture.store().commit(ops)) {
      if (result.outcome != StoreResult::Outcome::applied) ++refused;
    }
  }
  go_on = false;
  for (std::thread& reader : readers) reader.join();
  CHECK(refused == 0);
  for (const Findings& of_one : wrong) CHECK(of_one == Findings{});
}

TEST_CASE("lmdb_task_store: many readers at once are served", "[persistence]") {
  LmdbFixture fixture;
  commit_all(fixture.store(), {insert(1)});
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 64; ++reader) {
    readers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const auto task = fixture.store().load(task_id(1));
        if (!task || !*task) ++wrong;
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(wrong == 0);
}

}  // namespace signalbox::persistence::test
