// Workers that bind, on the virtual clock: registration, channel, work, loss and wake, through the
// daemon's own broker, directory, profiles and tasks.
#include <catch2/catch.hpp>

#include "core/backends/answer_bound.hpp"
#include "tests/support/worker_fixture.hpp"

using namespace signalbox;
using namespace signalbox::testing;

namespace {

/// A bound worker with one LLM.
void start(WorkerFixture& worker, const std::string& llm, std::uint32_t capacity = 1,
           const std::string& pool = {}) {
  REQUIRE(worker.offer({offered(llm, capacity, pool)}).error.code == ErrorCode::none);
  worker.bind();
  REQUIRE(worker.log().is_open);
}

CallSpec to_pool(const std::string& pool, bool is_async = false) {
  CallSpec spec;
  spec.target = pool;
  spec.is_async = is_async;
  return spec;
}

FixtureOptions quick_sessions() {
  FixtureOptions options;
  options.session_rules = {3s, 2s};
  return options;
}

}  // namespace

TEST_CASE("worker: a call goes out as a frame and its result is durable before it is acknowledged",
          "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  const auto call = house.submit(to_pool("alice"));
  REQUIRE(worker.sent().size() == 1);
  const auto& infer = worker.log().infers.front();
  CHECK(infer.model == "model-of-alice");
  CHECK(infer.attempt == 1);
  CHECK(house.stored(call).claimed_by == worker.key.session.to_string());

  const auto reply = worker.finish(infer.task->id, "answer");
  CHECK(reply.error.code == ErrorCode::none);
  CHECK_FALSE(reply.is_duplicate);
  CHECK(house.stored(call).state == TaskState::completed);
  CHECK(*house.told(call).ended->body == "answer");
  CHECK(house.told(call).ended->facts.backend == "alice");
  CHECK(worker.finish(infer.task->id, "another").is_duplicate);
  CHECK(*house.told(call).ended->body == "answer");
}

TEST_CASE("worker: chunks of a stream reach the caller and are joined", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  CallSpec spec = to_pool("alice");
  spec.streaming = true;
  const auto call = house.submit(spec);
  const TaskId task = worker.sent().at(0);
  CHECK(worker.done(task).error.code == ErrorCode::invalid_request);
  worker.chunk(task, {"one", "two"});
  worker.chunk(task, {"three", "[DONE]"});
  CHECK(house.told(call).data == "data: one\n\ndata: two\n\ndata: three\n\n");
  CHECK(worker.done(task).error.code == ErrorCode::none);
  CHECK(*house.told(call).ended->body == "onetwothree");
  CHECK(*house.told(call).ended->tail == "data: [DONE]\n\n");
}

TEST_CASE("worker: an answer that does not end is cut off", "[actors][worker]") {
  const bool streaming = GENERATE(false, true);
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  CallSpec spec = to_pool("alice");
  spec.streaming = streaming;
  const auto call = house.submit(spec);
  const TaskId task = worker.sent().at(0);
  const std::string part(answer_bytes_max / 4, 'x');
  for (int index = 0; index < 4; ++index) {
    REQUIRE(worker.chunk(task, {part}).error.code == ErrorCode::none);
  }
  CHECK_FALSE(house.told(call).is_over());
  CHECK(worker.chunk(task, {"", "x"}).error.code == ErrorCode::body_too_large);
  CHECK(house.told(call).code() == ErrorCode::backend_error);
  CHECK(house.stored(call).attempts == 1);
  CHECK(worker.log().cancels == std::vector<TaskId>{task});
  CHECK(worker.chunk(task, {"x"}).error.code == ErrorCode::stale_claim);
  // Its room is free again.
  house.submit(spec);
  CHECK(worker.sent().size() == 2);
}

TEST_CASE("worker: a backlog is drained by capacity, not all at once", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice", 2, "chat")}).error.code == ErrorCode::none);
  for (int index = 0; index < 5; ++index) house.submit(to_pool("chat", true));
  worker.bind();
  CHECK(worker.sent().size() == 2);
  worker.finish(worker.sent().at(0), "a");
  CHECK(worker.sent().size() == 3);
  CHECK(worker.status().in_flight == 2);
  CHECK(worker.status().done == 1);
}

TEST_CASE("worker: what a lost worker held is finished by its sibling, the caller still waits",
          "[actors][worker]") {
  HouseFixture house;
  WorkerFixture first{house};
  WorkerFixture second{house};
  start(first, "alice", 1, "chat");
  const auto call = house.submit(to_pool("chat"));
  REQUIRE(first.sent().size() == 1);
  start(second, "bob", 1, "chat");
  first.unbind();
  REQUIRE(second.sent().size() == 1);
  CHECK(house.stored(call).losses == 1);
  CHECK(house.stored(call).attempts == 2);
  CHECK(first.finish(house.task_of(call), "late").error.code == ErrorCode::stale_claim);
  second.finish(house.task_of(call), "answer");
  CHECK(*house.told(call).ended->body == "answer");
}

TEST_CASE("worker: a caller who saw a part is told that the stream failed", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  CallSpec spec = to_pool("alice");
  spec.streaming = true;
  const auto call = house.submit(spec);
  worker.chunk(worker.sent().at(0), {"one"});
  worker.unbind();
  CHECK(house.told(call).code() == ErrorCode::backend_stream_failed);
}

TEST_CASE("worker: an observed task starts over with a reset", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  CallSpec spec = to_pool("alice", true);
  spec.streaming = true;
  const auto call = house.submit(spec);
  const TaskId task = worker.sent().at(0);
  worker.chunk(task, {"one"});
  const auto early = house.observe(task);
  CHECK(house.told(early).data == "data: one\n\n");
  worker.unbind();
  worker.bind();
  CHECK(house.told(early).resets == 1);
  REQUIRE(worker.log().infers.size() == 1);
  CHECK(worker.log().infers.front().attempt == 2);
  CHECK(worker.chunk(task, {"stale"}, 1).error.code == ErrorCode::stale_claim);
  worker.chunk(task, {"uno"}, 2);
  worker.done(task);
  CHECK(house.told(early).data == "data: uno\n\n");
  const std::vector<TaskState> moves{TaskState::running, TaskState::pending, TaskState::claimed,
                                     TaskState::running};
  CHECK(house.told(early).moves == moves);
  CHECK(*house.told(early).ended->body == "uno");
  CHECK(house.stored(call).state == TaskState::completed);
}

TEST_CASE("worker: after max_attempts losses the task ends, clean returns do not count",
          "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  const auto call = house.submit(to_pool("alice", true));
  for (int round = 0; round < 4; ++round) worker.bind();
  CHECK(house.stored(call).losses == 0);
  CHECK(house.stored(call).attempts == 5);
  for (int round = 0; round < 3; ++round) {
    worker.unbind();
    worker.bind();
  }
  CHECK(house.stored(call).state == TaskState::error);
  CHECK(house.stored(call).error_code == ErrorCode::worker_lost);
  CHECK(worker.log().infers.empty());
}

TEST_CASE("worker: silence is noticed, a heartbeat revives", "[actors][worker]") {
  HouseFixture house{{}, {}, quick_sessions()};
  WorkerFixture worker{house};
  start(worker, "alice");
  const auto call = house.submit(to_pool("alice", true));
  house.world().advance(2s);
  worker.heartbeat();
  house.world().advance(2s);
  CHECK(worker.status().state == SessionState::active);
  house.world().advance(2s);
  CHECK(worker.status().state == SessionState::inactive);
  CHECK(worker.log().closed.has_value());
  CHECK(house.stored(call).state == TaskState::pending);
  worker.heartbeat();
  CHECK(worker.status().state == SessionState::active);
  CHECK_FALSE(worker.status().is_bound);
}

TEST_CASE("worker: names belong to whoever is there", "[actors][worker]") {
  HouseFixture house;
  house.add_backend("upstream", 1, whole_answer(1s));
  WorkerFixture first{house};
  WorkerFixture second{house};
  CHECK(first.offer({offered("alice"), offered("upstream")}).error.code ==
        ErrorCode::name_conflict);
  start(first, "alice");
  const auto refused = second.offer({offered("bob"), offered("alice")});
  CHECK(refused.error.code == ErrorCode::name_conflict);
  // Nothing of the call was taken over: bob is free.
  CHECK(first.offer({offered("alice"), offered("bob")}).error.code == ErrorCode::none);
  first.unbind();
  CHECK(second.offer({offered("alice")}).error.code == ErrorCode::none);
  // Back again, it owns what is left.
  first.heartbeat();
  house.world().run();
  REQUIRE(first.status().llms.size() == 1);
  CHECK(first.status().llms.front().name == "bob");
}

TEST_CASE("worker: a session whose last name was taken over is gone", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture first{house};
  WorkerFixture second{house};
  start(first, "alice");
  first.unbind();
  start(second, "alice");
  CHECK(first.heartbeat().error.code == ErrorCode::session_not_found);
  CHECK(second.status().llms.size() == 1);
}

TEST_CASE("worker: one wake for all who wait", "[actors][worker]") {
  HouseFixture house{{}, {}, quick_sessions()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice", 4, {}, LlmStatus::hibernating)}).error.code ==
          ErrorCode::none);
  worker.bind();
  const auto first = house.submit(to_pool("alice"));
  house.submit(to_pool("alice"));
  REQUIRE(worker.log().wakes.size() == 1);
  CHECK(worker.sent().empty());
  worker.finish(worker.log().wakes.front().id, "");
  CHECK(worker.sent().size() == 2);
  worker.finish(house.task_of(first), "answer");
  CHECK(*house.told(first).ended->body == "answer");
}

TEST_CASE("worker: a sleeper is not woken for callers who have gone", "[actors][worker]") {
  HouseFixture house{{}, {}, quick_sessions()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  CallSpec impatient = to_pool("alice");
  impatient.queue_wait = 1s;
  const auto late = house.submit(impatient);
  const auto gone = house.submit(to_pool("alice"));
  house.world().advance(1s);
  REQUIRE(house.told(late).code() == ErrorCode::queue_wait_timeout);
  house.hang_up(gone);
  REQUIRE(worker.offer({offered("alice", 4, {}, LlmStatus::hibernating)}).error.code ==
          ErrorCode::none);
  worker.bind();
  CHECK(worker.log().wakes.empty());
  house.submit(to_pool("alice"));
  CHECK(worker.log().wakes.size() == 1);
}

TEST_CASE("worker: a lease that crosses a caller's leaving is not lost", "[actors][worker]") {
  for (const bool comes_first : {false, true}) {
    for (std::uint64_t messages = 0; messages < 16; ++messages) {
      CAPTURE(comes_first, messages);
      HouseFixture house;
      house.add_backend("alpha", 1, whole_answer(1s));
      house.set_present("alpha", false);
      const auto come = [&] {
        caf::anon_send(house.house().directory, actors::SetBackendStatus{1, LlmStatus::active});
      };
      const auto gone = house.submit({.priority = Priority::background});
      if (comes_first) come();
      house.hang_up_later(gone);
      house.world().run_some(messages);
      if (!comes_first) come();
      const auto first = house.submit({.priority = Priority::interactive});
      const auto second = house.submit({});
      house.world().advance(3s);
      CHECK(house.told(first).ended);
      CHECK(house.told(second).ended);
      CHECK(house.told(first).code() == ErrorCode::none);
      CHECK(house.told(second).code() == ErrorCode::none);
    }
  }
}

TEST_CASE("worker: a failed wake ends callers, the backlog stays and is tried again",
          "[actors][worker]") {
  HouseFixture house{{}, {}, quick_sessions()};
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice", 4, {}, LlmStatus::hibernating)}).error.code ==
          ErrorCode::none);
  worker.bind();
  const auto caller = house.submit(to_pool("alice"));
  const auto queued = house.submit(to_pool("alice", true));
  worker.fail(worker.log().wakes.front().id, false);
  CHECK(house.told(caller).code() == ErrorCode::wake_failed);
  CHECK(house.stored(queued).state == TaskState::pending);
  SECTION("by the next call, which the deadline ends") {
    const auto next = house.submit(to_pool("alice"));
    REQUIRE(worker.log().wakes.size() == 2);
    house.world().advance(2s);
    CHECK(house.told(next).code() == ErrorCode::wake_timeout);
  }
  SECTION("or a minute later") {
    for (int second = 0; second < 61; ++second) {
      house.world().advance(1s);
      worker.heartbeat();
    }
    REQUIRE(worker.log().wakes.size() == 2);
    worker.heartbeat({{"alice", LlmStatus::active}});
    CHECK(worker.sent().size() == 1);
  }
}

TEST_CASE("worker: drained it takes nothing new, leaving gives back what it holds",
          "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice", 2);
  const auto running = house.submit(to_pool("alice", true));
  worker.drain();
  CHECK(worker.log().drains == 1);
  house.submit(to_pool("alice", true));
  CHECK(worker.sent().size() == 1);
  CHECK(worker.status().state == SessionState::draining);
  CHECK(worker.leave().error.code == ErrorCode::none);
  CHECK(house.stored(running).state == TaskState::pending);
  CHECK(house.stored(running).losses == 0);
  CHECK(worker.heartbeat().error.code == ErrorCode::session_not_found);
}

TEST_CASE("worker: a cancelled call is cancelled at the worker", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  const auto call = house.submit(to_pool("alice"));
  house.hang_up(call);
  CHECK(worker.log().cancels == std::vector{house.task_of(call)});
  CHECK(worker.finish(house.task_of(call), "late").error.code == ErrorCode::stale_claim);
  CHECK(house.stored(call).state == TaskState::cancelled);
}

TEST_CASE("worker: registrations outlive the broker", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  const auto call = house.submit(to_pool("alice", true));
  house.kill_and_restart();
  WorkerFixture again{house};
  again.key = worker.key;
  CHECK(again.status().state == SessionState::inactive);
  again.bind();
  REQUIRE(again.sent().size() == 1);
  CHECK(again.finish(house.task_of(call), "answer").error.code == ErrorCode::none);
}

TEST_CASE("worker: a failed commit is no acknowledgement", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  house.submit(to_pool("alice"));
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"));
  CHECK(worker.finish(worker.sent().at(0), "answer").error.code == ErrorCode::store_failed);
}

TEST_CASE("worker: clean returns do not count after a restart either", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  const auto call = house.submit(to_pool("alice", true));
  for (int round = 0; round < 2; ++round) worker.bind();
  REQUIRE(house.stored(call).attempts == 3);
  house.kill_and_restart();
  CHECK(house.stored(call).state == TaskState::pending);
  WorkerFixture again{house};
  again.key = worker.key;
  again.bind();
  // The second that counts.
  again.fail(house.task_of(call), true);
  CHECK_FALSE(is_terminal(house.stored(call).state));
  house.world().advance(1s);
  again.fail(house.task_of(call), true);
  CHECK(house.stored(call).state == TaskState::error);
  CHECK(house.stored(call).attempts == 5);
}
