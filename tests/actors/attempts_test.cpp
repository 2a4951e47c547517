// Goal: failures, repeats and restarts end as the contract says. Method: as call_flow_test.
#include <catch2/catch.hpp>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

TEST_CASE("attempts: a failure before the first byte goes to another backend", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 4, failure(ErrorCode::backend_unreachable, true), "pool");
  house.add_backend("beta", 4, whole_answer(1s), "pool");
  const auto call = house.submit({.target = "pool"});
  house.world().advance(1s);
  REQUIRE(house.told(call).ended);
  CHECK(house.told(call).code() == ErrorCode::none);
  CHECK(house.told(call).ended->facts.backend == "beta");
  CHECK(house.told(call).ended->facts.attempts == 2);
}

TEST_CASE("attempts: the only backend is tried again after a pause, then given up", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, failure(ErrorCode::backend_unreachable, true));
  const Instant start = house.world().now();
  const auto call = house.submit({});
  CHECK_FALSE(house.told(call).is_over());
  house.world().advance(10s);
  CHECK(house.told(call).code() == ErrorCode::backend_unreachable);
  CHECK(house.told(call).ended->facts.attempts == 3);
  CHECK(house.told(call).at - start == 300ms);
  CHECK(house.profile("openai_compat:model-of-alpha").occupancy.in_flight == 0);
}

TEST_CASE("attempts: a busy backend is worth the wait, one that is away is not", "[actors]") {
  HouseFixture house;
  auto calls = std::make_shared<int>(0);
  house.add_backend(
      "alpha", 1,
      [calls](const BackendCall& call) {
        const bool is_first = (*calls)++ == 0;
        return is_first ? failure(ErrorCode::backend_error, true, 1s)(call)
                        : whole_answer(10s)(call);
      },
      "pool");
  house.add_backend("beta", 1, failure(ErrorCode::backend_unreachable, true), "pool");
  house.set_present("beta", false);
  actors::ConfigureProfile two_slots;
  two_slots.name = "line";
  two_slots.max_concurrent = 2;
  house.configure(two_slots);
  const auto first = house.submit({.target = "pool", .profile = "line"});
  const auto second = house.submit({.target = "pool", .profile = "line"});
  house.world().advance(30s);
  REQUIRE(house.told(first).ended);
  CHECK(house.told(first).code() == ErrorCode::none);
  CHECK(house.told(first).ended->facts.backend == "alpha");
  CHECK(house.told(first).ended->facts.attempts == 2);
  CHECK(house.told(second).code() == ErrorCode::none);
}

TEST_CASE("attempts: who lost its backend waited in line, not while it ran", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, [](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back({3s, BackendLost{false, "it died"}});
    return playback;
  });
  const auto call = house.submit({.queue_wait = 4s});
  house.world().advance(2s);
  house.set_present("alpha", false);
  house.world().advance(10s);
  // It ran for 3 s, and then waited for 4.
  REQUIRE(house.told(call).ended);
  CHECK(house.told(call).code() == ErrorCode::queue_wait_timeout);
  CHECK(house.told(call).ended->facts.queue_wait_ms == Approx(4'000));
}

TEST_CASE("attempts: an error that cannot get better is final", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, failure(ErrorCode::backend_error, false));
  const auto call = house.submit({});
  CHECK(house.told(call).code() == ErrorCode::backend_error);
  CHECK(house.told(call).ended->facts.attempts == 1);
}

TEST_CASE("attempts: a stream is not started over under a reader", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, [](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back({1s, BackendBegan{200, "text/event-stream"}});
    playback.steps.push_back({0s, BackendEvents{make_bytes("e0;")}});
    playback.steps.push_back(
        {1s, BackendFailed{make_error(ErrorCode::backend_stream_failed, "cut"), true}});
    return playback;
  });
  const auto call = house.submit({.streaming = true});
  const auto async = house.submit({.streaming = true, .is_async = true});
  house.world().advance(20s);
  CHECK(house.told(call).code() == ErrorCode::backend_stream_failed);
  CHECK(house.told(call).ended->facts.attempts == 1);
  // Nobody has read from the other: it may start over.
  CHECK(house.stored(async).attempts == 3);
}

TEST_CASE("idempotency: a repeat waits for the same task and gets its answer", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, stream_answer(3, 1s));
  const CallSpec spec{.streaming = true, .body = "same", .key = "k"};
  const auto first = house.submit(spec);
  house.world().advance(2s);
  const auto repeat = house.submit(spec);
  CHECK(house.told(repeat).data == "e0;e1;");
  house.hang_up(first);
  house.world().advance(5s);
  CHECK(house.stored(first).state == TaskState::completed);
  CHECK(house.told(repeat).data == "e0;e1;e2;");
  REQUIRE(house.told(repeat).ended);
  CHECK(house.told(repeat).ended->facts.task == house.task_of(first));
  const auto late = house.submit(spec);
  REQUIRE(house.told(late).ended);
  CHECK(*house.told(late).ended->body == "assembled");
  const auto other = house.submit({.streaming = true, .body = "other", .key = "k"});
  CHECK(house.told(other).code() == ErrorCode::idempotency_key_reused);
}

TEST_CASE("idempotency: two at the same instant are one task", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 2, whole_answer(1s));
  const CallSpec spec{.body = "same", .key = "k"};
  const auto first = house.submit_later(spec);
  const auto second = house.submit_later(spec);
  house.world().advance(2s);
  REQUIRE(house.told(first).ended);
  REQUIRE(house.told(second).ended);
  CHECK(house.told(first).ended->facts.task == house.told(second).ended->facts.task);
  CHECK(house.profile("openai_compat:model-of-alpha").occupancy.admitted_total == 1);
  CHECK(house.profile("openai_compat:model-of-alpha").occupancy.in_flight == 0);
}

TEST_CASE("async: is accepted with nobody present and runs when someone comes", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  house.set_present("alpha", false);
  const auto call = house.submit({.is_async = true});
  REQUIRE(house.told(call).accepted);
  house.world().advance(500s);
  CHECK(house.stored(call).state == TaskState::pending);
  house.set_present("alpha", true);
  house.world().advance(1s);
  CHECK(house.stored(call).state == TaskState::completed);
}

TEST_CASE("cancel: ends a task in any state, once", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s));
  const auto running = house.submit({.is_async = true});
  const auto waiting = house.submit({.is_async = true});
  house.cancel(house.task_of(waiting));
  CHECK(house.stored(waiting).state == TaskState::cancelled);
  house.cancel(house.task_of(running));
  CHECK(house.stored(running).state == TaskState::cancelled);
  house.cancel(house.task_of(running));
  const auto next = house.submit({});
  house.world().advance(10s);
  CHECK(house.told(next).code() == ErrorCode::none);
  CHECK(house.profile("openai_compat:model-of-alpha").occupancy.in_flight == 0);
}

TEST_CASE("restart: what was acknowledged runs again, what ended stays", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s));
  const auto done = house.submit({.body = "a", .key = "done"});
  house.world().advance(10s);
  const Task before = house.stored(done);
  const auto running = house.submit({.body = "b", .key = "running"});
  const auto waiting =
      house.submit({.priority = Priority::background, .body = "c", .key = "waiting"});
  house.world().advance(5s);
  house.kill_and_restart();
  CHECK(house.stored(done) == before);
  CHECK(house.stored(running).state == TaskState::claimed);
  CHECK(house.stored(running).attempts == 2);
  const auto repeat = house.submit({.body = "b", .key = "running"});
  house.world().advance(20s);
  CHECK(house.told(repeat).code() == ErrorCode::none);
  CHECK(house.told(repeat).ended->facts.task == house.task_of(running));
  CHECK(house.stored(waiting).state == TaskState::completed);
}

TEST_CASE("restart: a task that went down with the broker too often is given up", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s));
  const auto call = house.submit({.is_async = true});
  for (int round = 0; round < 3; ++round) {
    house.world().advance(1s);
    house.kill_and_restart();
  }
  CHECK(house.stored(call).state == TaskState::error);
  CHECK(house.stored(call).error_code == ErrorCode::worker_lost);
}

}  // namespace signalbox::testing
