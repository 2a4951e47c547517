// Makes a store with many tasks in it, through the store itself: over HTTP a million would take the
// better part of an hour.
//
//   fill_store FOLDER COUNT [finished]
//
// All are for the pool "bench", with a request of 1 KB, made one a millisecond up to now. Prints
// the ids of the oldest, the middle and the newest task, one a line. `finished` ends them all, with
// a response of 2 KB each.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "persistence/lmdb_task_store.hpp"

namespace {

using namespace signalbox;

constexpr std::size_t batch_tasks = 4096;
constexpr std::size_t request_bytes = 1024;
constexpr std::size_t response_bytes = 2048;

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "fill_store: %s\n", reason.c_str());
  std::exit(1);
}

Task make_task(TaskId id) {
  Task task;
  task.id = id;
  task.pool = "bench";
  task.llm = "bench";
  task.model = "bench";
  task.profile = "openai_compat:bench";
  task.request_id = id.to_string();
  task.inference_ms = 60'000;
  task.created_at = id.created_at();
  return task;
}

MoveTask end_of(const Task& task) {
  static const Bytes response = make_bytes(std::string(response_bytes, 'r'));
  MoveTask end;
  end.id = task.id;
  end.from = {TaskState::pending};
  end.to = TaskState::cancelled;
  end.error_code = ErrorCode::task_cancelled;
  end.at = task.created_at + std::chrono::milliseconds{1};
  end.response = response;
  return end;
}

void commit(TaskStore& store, std::vector<StoreOp>& ops) {
  for (const StoreResult& result : store.commit(ops)) {
    if (result.outcome != StoreResult::Outcome::applied) give_up(result.error.message);
  }
  ops.clear();
}

void fill(TaskStore& store, std::size_t count, bool is_finished) {
  const std::string start =
      R"({"model":"bench","max_tokens":1,"messages":[{"role":"user","content":")";
  const std::string end = R"("}]})";
  const Bytes request =
      make_bytes(start + std::string(request_bytes - start.size() - end.size(), 'x') + end);
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::int64_t first_ms = now.time_since_epoch().count() - static_cast<std::int64_t>(count);
  IdSequence ids{1};
  std::vector<StoreOp> ops;
  for (std::size_t index = 0; index < count; ++index) {
    const Task task = make_task({ids.next(first_ms + static_cast<std::int64_t>(index))});
    if (index == 0 || index == count / 2 || index + 1 == count) {
      std::puts(task.id.to_string().c_str());
    }
    ops.emplace_back(InsertTask{share(task), request});
    if (is_finished) ops.emplace_back(end_of(task));
    if (ops.size() >= batch_tasks) commit(store, ops);
  }
  commit(store, ops);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) give_up("usage: fill_store FOLDER COUNT [finished]");
  persistence::LmdbTaskStore::Options options;
  options.path = argv[1];
  auto store = persistence::LmdbTaskStore::open(options);
  if (!store) give_up(store.error().message);
  const bool is_finished = argc > 3 && std::string{argv[3]} == "finished";
  fill(**store, std::strtoull(argv[2], nullptr, 10), is_finished);
  return 0;
}
