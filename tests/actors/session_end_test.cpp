// Goal: a session that leaves leaves nothing behind: no names, no calls sent into the void, no
// actor. Method: as worker_test, with what crosses the leaving sent right behind it.
#include <catch2/catch.hpp>

#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {
namespace {

void start(WorkerFixture& worker, const std::string& llm) {
  REQUIRE(worker.offer({offered(llm)}).error.code == ErrorCode::none);
  worker.bind();
}

sim::VirtualOptions shuffled(std::uint64_t seed) {
  sim::VirtualOptions options;
  options.schedule_seed = seed;
  return options;
}

}  // namespace

TEST_CASE("session: what crosses its leaving does not bring its names back", "[actors][worker]") {
  HouseFixture house;
  WorkerFixture worker{house};
  start(worker, "alice");
  caf::anon_send(house.house().registrar, actors::LeaveWorker{worker.key});
  caf::anon_send(house.house().registrar, actors::WorkerHeartbeat{worker.key, {}});
  caf::anon_send(house.house().registrar,
                 actors::RegisterWorker{worker.key, "10.0.0.1", {offered("alice")}});
  worker.bind();
  worker.leave();
  WorkerFixture next{house};
  CHECK(next.offer({offered("alice")}).error.code == ErrorCode::none);
}

TEST_CASE("session: the same id may register anew as soon as it has left", "[actors][worker]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    HouseFixture house{{}, shuffled(seed)};
    WorkerFixture worker{house};
    start(worker, "alice");
    caf::anon_send(house.house().registrar, actors::LeaveWorker{worker.key});
    house.world().run_some(seed % 8);
    const auto session = worker.key.session;
    auto answer = worker.offer({offered("alice")});
    if (answer.error.code != ErrorCode::none) answer = worker.offer({offered("alice")});
    REQUIRE(answer.error.code == ErrorCode::none);
    CHECK(worker.key.session == session);
    worker.bind();
    const auto call = house.submit({.target = "alice"});
    REQUIRE(worker.sent().size() == 1);
    worker.finish(house.task_of(call), "answer");
    CHECK(house.told(call).ended);
    // It is remembered, too.
    house.kill_and_restart();
    WorkerFixture again{house};
    again.key = worker.key;
    CHECK(again.status().llms.size() == 1);
  }
}

TEST_CASE("session: a call on its way to one that has left is given back", "[actors][worker]") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    HouseFixture house{{}, shuffled(seed)};
    WorkerFixture worker{house};
    start(worker, "alice");
    const auto call = house.submit_later({.target = "alice", .is_async = true});
    house.world().run_some(seed % 20);
    caf::anon_send(house.house().registrar, actors::LeaveWorker{worker.key});
    house.world().run();
    CHECK(house.stored(call).state == TaskState::pending);
    CHECK(house.stored(call).losses == 0);
  }
}

TEST_CASE("session: its actor goes a while after it has left", "[actors][worker]") {
  HouseFixture house;
  const std::size_t actors = house.world().system().registry().running();
  {
    WorkerFixture worker{house};
    start(worker, "alice");
    worker.leave();
  }
  house.world().advance(60s);
  // The worker's end of the channel is still there.
  CHECK(house.world().system().registry().running() == actors + 1);
}

TEST_CASE("wake: one that failed is not repeated by others' traffic", "[actors][worker]") {
  HouseFixture house;
  house.add_backend("busy", 1, whole_answer(1s));
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice", 1, {}, LlmStatus::hibernating)}).error.code ==
          ErrorCode::none);
  worker.bind();
  house.submit({.target = "alice", .is_async = true});
  REQUIRE(worker.log().wakes.size() == 1);
  worker.fail(worker.log().wakes.front().id, false);
  for (int round = 0; round < 5; ++round) {
    house.submit({.target = "busy"});
    house.world().advance(1s);
  }
  CHECK(worker.log().wakes.size() == 1);
  SECTION("a worker that comes anew is asked at once") {
    worker.unbind();
    worker.bind();
    CHECK(worker.log().wakes.size() == 1);
  }
  SECTION("or the next enqueue does it") {
    house.submit({.target = "alice", .is_async = true});
    CHECK(worker.log().wakes.size() == 2);
  }
}

TEST_CASE("wake: a sleeper that left while it was to be woken can be woken again",
          "[actors][worker]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    HouseFixture house{{}, shuffled(seed)};
    WorkerFixture worker{house};
    const std::vector llms{offered("alice", 1, {}, LlmStatus::hibernating)};
    REQUIRE(worker.offer(llms).error.code == ErrorCode::none);
    worker.bind();
    house.submit_later({.target = "alice", .is_async = true});
    house.world().run_some(seed % 14);
    const bool drains = seed % 2 == 0;
    drains ? worker.drain() : static_cast<void>(worker.leave());
    if (!drains) REQUIRE(worker.offer(llms).error.code == ErrorCode::none);
    worker.bind();
    house.world().advance(130s);
    worker.bind();
    house.world().run();
    CHECK_FALSE(worker.log().wakes.empty());
  }
}

}  // namespace signalbox::testing
