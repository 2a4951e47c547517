#include "tests/persistence/store_fixtures.hpp"

#include <cstdlib>

namespace signalbox::persistence::test {

TempDirectory::TempDirectory() : x_path_{"/tmp/signalbox-test-XXXXXX"} {
  REQUIRE(::mkdtemp(x_path_.data()) != nullptr);
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(x_path_, ignored);
}

WallTime at_ms(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

TaskId task_id(std::uint64_t number) {
  TaskId id;
  id.bytes[0] = 1;
  for (std::size_t index = 6, time = number; index-- > 1; time >>= 8U) {
    id.bytes[index] = static_cast<std::uint8_t>(time & 0xFFU);
  }
  for (std::size_t index = 16; index-- > 8; number >>= 8U) {
    id.bytes[index] = static_cast<std::uint8_t>(number & 0xFFU);
  }
  return id;
}

std::uint64_t number_of(TaskId id) {
  std::uint64_t number = 0;
  for (std::size_t index = 8; index < 16; ++index) number = (number << 8U) | id.bytes[index];
  return number;
}

std::vector<std::uint64_t> numbers_of(const std::vector<TaskId>& ids) {
  std::vector<std::uint64_t> numbers;
  for (const TaskId id : ids) numbers.push_back(number_of(id));
  return numbers;
}

Task make_task(std::uint64_t number) {
  Task task;
  task.id = task_id(number);
  task.pool = "chat";
  task.llm = "qwen";
  task.model = "qwen3-8b";
  task.profile = "qwen3";
  task.owner = "alice";
  task.agent = "reviewer";
  task.request_id = "req-" + std::to_string(number);
  task.inference_ms = 60000;
  task.created_at = at_ms(static_cast<std::int64_t>(number));
  return task;
}

InsertTask insert(Task task, std::string request) {
  return {share(std::move(task)), make_bytes(std::move(request))};
}

InsertTask insert(std::uint64_t number) {
  return insert(make_task(number), "request " + std::to_string(number));
}

MoveTask claim(std::uint64_t number, Epoch epoch, std::string by) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::pending};
  move.to = TaskState::claimed;
  move.claimed_by = std::move(by);
  move.backend = "qwen";
  move.new_epoch = epoch;
  move.at = at_ms(1000);
  return move;
}

MoveTask run(std::uint64_t number, Epoch epoch) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::claimed};
  move.epoch = epoch;
  move.to = TaskState::running;
  move.at = at_ms(2000);
  return move;
}

MoveTask give_back(std::uint64_t number, Epoch epoch, bool lost) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::claimed, TaskState::running};
  move.epoch = epoch;
  move.to = TaskState::pending;
  move.at = at_ms(2500);
  move.lost = lost;
  return move;
}

MoveTask complete(std::uint64_t number, Epoch epoch, std::string response) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::claimed, TaskState::running};
  move.epoch = epoch;
  move.to = TaskState::completed;
  move.at = at_ms(3000);
  move.response = make_bytes(std::move(response));
  move.response_type = "application/json";
  return move;
}

MoveTask fail(std::uint64_t number, Epoch epoch) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::pending, TaskState::claimed, TaskState::running};
  move.epoch = epoch;
  move.to = TaskState::error;
  move.at = at_ms(3500);
  move.error_code = ErrorCode::backend_error;
  move.error_message = "The backend said no.";
  move.backend_status = 422;
  return move;
}

MoveTask cancel(std::uint64_t number) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::pending, TaskState::claimed, TaskState::running};
  move.to = TaskState::cancelled;
  move.at = at_ms(4000);
  move.error_code = ErrorCode::task_cancelled;
  move.error_message = "Cancelled by its owner.";
  return move;
}

StoreResult commit_one(TaskStore& store, StoreOp op) {
  const std::vector<StoreOp> ops{std::move(op)};
  auto results = store.commit(ops);
  REQUIRE(results.size() == 1);
  return results.front();
}

void commit_all(TaskStore& store, const std::vector<StoreOp>& ops) {
  const auto results = store.commit(ops);
  REQUIRE(results.size() == ops.size());
  for (std::size_t index = 0; index < results.size(); ++index) {
    INFO("operation " << index << ": " << results[index].error.message);
    REQUIRE(results[index].outcome == StoreResult::Outcome::applied);
  }
}

std::optional<Task> load(const TaskStore& store, std::uint64_t number) {
  return must(store.load(task_id(number)));
}

std::string body(const TaskStore& store, std::uint64_t number, BodyKind kind) {
  const Bytes bytes = must(store.load_body(task_id(number), kind));
  return bytes ? *bytes : "(none)";
}

std::vector<std::uint64_t> list_all(const TaskStore& store, TaskQuery query) {
  std::vector<std::uint64_t> numbers;
  do {
    const TaskPage page = must(store.list(query));
    for (const Task& task : page.tasks) numbers.push_back(number_of(task.id));
    query.cursor = page.next_cursor;
  } while (query.cursor);
  return numbers;
}

std::vector<std::uint64_t> pending_after_recovery(TaskStore& store, std::uint32_t max_attempts) {
  std::vector<std::uint64_t> numbers;
  must(store.recover(max_attempts, at_ms(9000),
                     [&](const PendingTask& task) { numbers.push_back(number_of(task.id)); }));
  return numbers;
}

LmdbTaskStore::Options LmdbFixture::options() const {
  LmdbTaskStore::Options options;
  options.path = x_directory_ / "store";
  options.map_size_bytes = x_map_size_bytes_;
  return options;
}

std::string LmdbFixture::data_file() const {
  return x_directory_ / "store/database/data.mdb";
}

void LmdbFixture::open() {
  x_store_ = must(LmdbTaskStore::open(options()));
}

void LmdbFixture::require_sound() const {
  REQUIRE(must(x_store_->find_problems()) == std::vector<std::string>{});
}

}  // namespace signalbox::persistence::test
