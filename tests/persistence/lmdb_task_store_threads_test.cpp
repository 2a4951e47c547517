// Goal: readers on any thread see whole committed batches, never a part of one, while the writer
// goes on. Method: the writer moves two tasks in step; every reader's list must show them in step.
#include <atomic>
#include <thread>

#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

/// @returns how many lists showed the two tasks out of step, or failed.
std::size_t read_while(const TaskStore& store, const std::atomic<bool>& go_on) {
  std::size_t wrong = 0;
  std::uint32_t seen = 0;
  while (go_on.load()) {
    const auto page = store.list({});
    if (!page || page->tasks.size() != 2) {
      ++wrong;
      continue;
    }
    const std::uint32_t attempts = page->tasks[0].attempts;
    if (page->tasks[1].attempts != attempts || attempts < seen) ++wrong;
    seen = attempts;
    const auto task = store.load(task_id(1));
    const auto request = store.load_body(task_id(1), BodyKind::request);
    if (!task || !*task || !request || **request != "request 1") ++wrong;
  }
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("task_store: readers see whole batches while the writer goes on",
                   "[persistence]", MemoryFixture, LmdbFixture) {
  TestType fixture;
  commit_all(fixture.store(), {insert(1), insert(2), claim(1, 1), claim(2, 1)});
  std::atomic<bool> go_on{true};
  std::atomic<std::size_t> wrong{0};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 6; ++reader) {
    readers.emplace_back([&] { wrong += read_while(fixture.store(), go_on); });
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
  CHECK(wrong == 0);
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
