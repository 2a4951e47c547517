// Goal: who watches a task sees it live, and nobody else's. Method: real front, scripted broker,
// memory store, no socket.
#include <array>
#include <catch2/catch.hpp>

#include "tests/http/fake_house.hpp"

namespace signalbox::http {
namespace {

const std::string id = "01890000-0000-7000-8000-00000000000b";
const std::string path = "/api/v1/inference-tasks/" + id + "/stream";

Task owned_by(const std::string& owner) {
  Task task;
  task.id = *TaskId::parse(id);
  task.owner = owner;
  task.inference_ms = 1000;
  return task;
}

void insert(FakeHouse& house, const std::string& owner) {
  const std::array ops{StoreOp{InsertTask{share(owned_by(owner)), make_bytes("{\n}")}}};
  REQUIRE(house.store->commit(ops)[0].outcome == StoreResult::Outcome::applied);
}

void cancel(FakeHouse& house) {
  MoveTask move;
  move.id = *TaskId::parse(id);
  move.from = {TaskState::pending};
  move.to = TaskState::cancelled;
  move.at = WallTime{std::chrono::milliseconds{1}};
  move.error_code = ErrorCode::task_cancelled;
  const std::array ops{StoreOp{move}};
  REQUIRE(house.store->commit(ops)[0].outcome == StoreResult::Outcome::applied);
}

std::shared_ptr<const Task> in_state(TaskState state, std::uint32_t attempts) {
  Task task = owned_by("alice");
  task.state = state;
  task.attempts = attempts;
  return std::make_shared<const Task>(task);
}

FakeClient get(FakeHouse& house, const std::string& last_event_id = {}) {
  FakeClient client;
  Request request = request_to("GET", path);
  if (!last_event_id.empty()) request.headers.emplace_back("Last-Event-ID", last_event_id);
  house.handle(std::move(request), client);
  return client;
}

}  // namespace

TEST_CASE("task_stream: a task is watched to its end", "[http][task_stream]") {
  FakeHouse house;
  insert(house, "alice");
  house.script->watch = [](actors::WatchTask& watch) {
    CHECK(watch.is_observer);
    const auto& [call, listener] = std::pair{watch.call, watch.listener};
    caf::anon_send(listener, actors::TaskMoved{call, in_state(TaskState::running, 1), {}});
    caf::anon_send(listener, actors::TaskData{call, make_bytes("data: a\n\ndata: b\n\n"), 1});
    actors::TaskEnded ended;
    ended.call = call;
    ended.task = in_state(TaskState::completed, 1);
    ended.tail = make_bytes("data: [DONE]\n\n");
    caf::anon_send(listener, ended);
  };
  const FakeClient client = get(house, "1.1.2");
  CHECK(client.is_stream);
  CHECK(client.has_ended);
  CHECK(client.text.starts_with("event: chunk\nid: 1.2.2\ndata: b\n\nevent: status\nid: 1.2.3\n"));
  CHECK(client.text.find("event: terminal\nid: 1.2.end\ndata: {\"id\":\"" + id) !=
        std::string::npos);
  CHECK(client.text.find("\"request_body\":{ }") != std::string::npos);
}

TEST_CASE("task_stream: a task that is over has one event", "[http][task_stream]") {
  FakeHouse house;
  insert(house, "alice");
  cancel(house);
  const FakeClient client = get(house);
  CHECK(client.text.starts_with("event: terminal\nid: 0.0.end\ndata: {"));
  CHECK(client.has_ended);
  CHECK(get(house, "1.2.end").answer.status == 204);
  CHECK(get(house, "nonsense").is_stream);
}

TEST_CASE("task_stream: another owner's task is not there", "[http][task_stream]") {
  FakeHouse house;
  insert(house, "bob");
  house.caller = Caller{};
  house.caller.owner = "alice";
  CHECK(get(house).answer.status == 404);
}

TEST_CASE("task_stream: a reader that leaves is forgotten", "[http][task_stream]") {
  FakeHouse house;
  insert(house, "alice");
  house.script->watch = [](actors::WatchTask& watch) {
    caf::anon_send(watch.listener,
                   actors::TaskMoved{watch.call, in_state(TaskState::running, 1), {}});
  };
  auto gone = house.script->caller_gone.get_future();
  FakeClient client;
  client.leaves_after = 1;
  house.handle(request_to("GET", path), client);
  REQUIRE(gone.wait_for(std::chrono::seconds{10}) == std::future_status::ready);
  CHECK(gone.get().task.to_string() == id);
  CHECK_FALSE(client.has_ended);
}

TEST_CASE("task_stream: a waiting GET watches without being a caller", "[http][task_surface]") {
  FakeHouse house;
  insert(house, "alice");
  house.script->watch = [&](actors::WatchTask& watch) {
    CHECK(watch.is_observer);
    caf::anon_send(watch.listener,
                   actors::TaskMoved{watch.call, in_state(TaskState::running, 1), {}});
    cancel(house);
    actors::TaskEnded ended;
    ended.call = watch.call;
    ended.task = in_state(TaskState::cancelled, 1);
    caf::anon_send(watch.listener, ended);
  };
  FakeClient client;
  Request request = request_to("GET", "/api/v1/inference-tasks/" + id);
  request.query = "wait_s=30";
  house.handle(std::move(request), client);
  CHECK(client.answer.body.find("\"status\":\"cancelled\"") != std::string::npos);
}

}  // namespace signalbox::http
