// Goal: who looks on changes nothing, and a row that nobody looks at any more needs no actor.
// Method: as worker_test; where messages are to cross, the house runs a few at a time.
#include <catch2/catch.hpp>

#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {
namespace {

std::size_t running_actors(HouseFixture& house) {
  return house.world().system().registry().running();
}

std::vector<std::size_t> waiting(HouseFixture& house, const std::string& profile) {
  const auto& all = house.profile(profile).occupancy.waiting;
  return {all.begin(), all.end()};
}

}  // namespace

TEST_CASE("observer: a row in the backlog has an actor only while it is watched", "[actors]") {
  HouseFixture house;
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  const auto first = house.submit({.target = "alice", .is_async = true});
  const auto second = house.submit({.target = "alice", .is_async = true});
  const std::size_t actors = running_actors(house);
  const auto one = house.observe(house.task_of(first));
  const auto other = house.observe(house.task_of(first));
  CHECK(running_actors(house) == actors + 1);
  CHECK(house.told(one).moves == std::vector{TaskState::pending});
  house.hang_up(one);
  CHECK(running_actors(house) == actors + 1);
  house.hang_up(other);
  CHECK(running_actors(house) == actors);
  // It has kept its turn.
  worker.bind();
  REQUIRE(worker.sent() == std::vector{house.task_of(first)});
  worker.finish(house.task_of(first), "answer");
  CHECK(worker.sent().back() == house.task_of(second));
}

TEST_CASE("observer: one who comes while the last one leaves is told all", "[actors]") {
  for (std::uint64_t messages = 0; messages < 12; ++messages) {
    CAPTURE(messages);
    HouseFixture house;
    WorkerFixture worker{house};
    REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
    const auto call = house.submit({.target = "alice", .is_async = true});
    const auto early = house.observe(house.task_of(call));
    house.hang_up_later(early);
    house.world().run_some(messages);
    const auto late = house.observe(house.task_of(call));
    worker.bind();
    worker.finish(house.task_of(call), "answer");
    REQUIRE(house.told(late).ended);
    CHECK(house.stored(call).state == TaskState::completed);
  }
}

TEST_CASE("observer: a turn that comes while the observer leaves is not lost", "[actors]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    sim::VirtualOptions options;
    options.schedule_seed = seed;
    HouseFixture house{{}, options};
    WorkerFixture worker{house};
    REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
    const auto call = house.submit({.target = "alice", .is_async = true});
    const auto observer = house.observe(house.task_of(call));
    house.hang_up_later(observer);
    house.world().run_some(seed % 5);
    worker.bind();
    REQUIRE(worker.sent() == std::vector{house.task_of(call)});
    worker.finish(house.task_of(call), "answer");
    CHECK(house.stored(call).state == TaskState::completed);
  }
}

TEST_CASE("observer: who submits and leaves at once takes nobody's actor along", "[actors]") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    sim::VirtualOptions options;
    options.schedule_seed = seed;
    HouseFixture house{{}, options};
    WorkerFixture worker{house};
    REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
    worker.bind();
    const auto call = house.submit_later({.target = "alice", .is_async = true});
    house.world().run_some(seed % 12);
    house.hang_up_later(call);
    house.world().run();
    REQUIRE(worker.sent() == std::vector{house.task_of(call)});
    const auto observer = house.observe(house.task_of(call));
    worker.finish(house.task_of(call), "answer");
    CHECK(house.told(observer).ended);
  }
}

TEST_CASE("observer: leaving does not cancel what a caller left behind at a restart", "[actors]") {
  HouseFixture house;
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  const auto call = house.submit({.target = "alice"});
  house.kill_and_restart();
  const std::size_t actors = running_actors(house);
  house.hang_up(house.observe(house.task_of(call)));
  CHECK(house.stored(call).state == TaskState::pending);
  CHECK(running_actors(house) == actors);
  CHECK(waiting(house, "openai_compat:model-of-alice") == std::vector<std::size_t>{0, 1, 0});
}

TEST_CASE("observer: a row that is cancelled as its turn comes is counted out once", "[actors]") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    sim::VirtualOptions options;
    options.schedule_seed = seed;
    actors::BrokerSettings settings;
    settings.max_backlog = 2;
    HouseFixture house{settings, options};
    WorkerFixture worker{house};
    REQUIRE(worker.offer({offered("alice", 2)}).error.code == ErrorCode::none);
    const auto call = house.submit({.target = "alice", .is_async = true});
    caf::anon_send(house.house().registrar, actors::WorkerHeartbeat{worker.key, {}});
    caf::anon_send(house.house().broker, actors::CancelTask{house.task_of(call)});
    worker.bind();
    CHECK(house.stored(call).state == TaskState::cancelled);
    CHECK(house.profile("openai_compat:model-of-alice").occupancy.in_flight == 0);
    worker.unbind();
    // Room for two, no more and no less.
    CHECK(house.told(house.submit({.target = "alice", .is_async = true})).accepted);
    CHECK(house.told(house.submit({.target = "alice", .is_async = true})).accepted);
    CHECK(house.told(house.submit({.target = "alice", .is_async = true})).code() ==
          ErrorCode::queue_full);
  }
}

TEST_CASE("observer: a row whose end could not be stored may be cancelled", "[actors]") {
  HouseFixture house;
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  worker.bind();
  const auto call = house.submit({.target = "alice"});
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"));
  worker.finish(house.task_of(call), "answer");
  REQUIRE(house.stored(call).state == TaskState::claimed);
  house.cancel(house.task_of(call));
  CHECK(house.stored(call).state == TaskState::cancelled);
}

TEST_CASE("observer: a claim that was not stored does not cost the answer", "[actors]") {
  HouseFixture house;
  WorkerFixture worker{house};
  REQUIRE(worker.offer({offered("alice")}).error.code == ErrorCode::none);
  const auto call = house.submit({.target = "alice", .is_async = true});
  house.store().fail_next_commit(make_error(ErrorCode::store_full, "no room"));
  worker.bind();
  REQUIRE(house.stored(call).state == TaskState::pending);
  CHECK(worker.finish(house.task_of(call), "answer").error.code == ErrorCode::none);
  CHECK(house.stored(call).state == TaskState::completed);
  CHECK(house.stored(call).claimed_by == worker.key.session.to_string());
  CHECK(*house.store().load_body(house.task_of(call), BodyKind::response).value() == "answer");
}

TEST_CASE("observer: an error that is read later has the status it had at first", "[actors]") {
  struct Case {
    std::int32_t status;
    bool is_passed_on;
    std::int32_t kept;
  };
  // The last: told in the middle of a stream, where no status of ours can follow.
  const auto given =
      GENERATE(Case{404, true, 404}, Case{500, false, 500}, Case{0, false, 0}, Case{400, false, 0});
  HouseFixture house;
  house.add_backend("alpha", 1, [given](const BackendCall&) {
    actors::Playback playback;
    BackendFailed failed;
    failed.error = make_error(ErrorCode::backend_error, "the backend's words");
    failed.error.from_backend = true;
    if (given.status != 0)
      failed.error.details.emplace_back("backend_status", std::int64_t{given.status});
    if (given.is_passed_on) failed.error.backend_status = given.status;
    playback.steps.push_back({1s, std::move(failed)});
    return playback;
  });
  const auto call = house.submit({.target = "alpha"});
  house.world().advance(2s);
  REQUIRE(house.told(call).ended);
  const auto reader = house.observe(house.task_of(call));
  REQUIRE(house.told(reader).ended);
  const Error& error = house.told(reader).ended->error;
  CHECK(error.code == ErrorCode::backend_error);
  CHECK(error.message == "the backend's words");
  CHECK(error.from_backend);
  CHECK(backend_status_of(error) == given.kept);
  CHECK(error.backend_status == (given.is_passed_on ? given.status : 0));
}

TEST_CASE("observer: who asks for the past is told a stream that is over", "[actors]") {
  // At each moment around the end: while the actor is there, while it goes, and long after.
  for (std::uint64_t messages = 0; messages < 40; ++messages) {
    CAPTURE(messages);
    HouseFixture house;
    house.add_backend("alpha", 1, stream_answer(3, 10ms));
    const auto call = house.submit({.target = "alpha", .is_async = true});
    const TaskId task = house.task_of(call);
    house.world().advance(29ms);
    REQUIRE_FALSE(is_terminal(house.stored(call).state));
    const auto early = house.observe(task);
    house.world().run_until(house.world().now() + 1ms);
    house.world().run_some(messages);
    const auto late = house.observe(task, true);
    const auto plain = house.observe(task);
    house.world().advance(1s);
    CHECK(house.told(early).data == "e0;e1;e2;");
    CHECK(house.told(late).data == "e0;e1;e2;");
    REQUIRE(house.told(late).ended);
    CHECK(*house.told(late).ended->body == "assembled");
    CHECK(house.told(plain).ended);
  }
}

TEST_CASE("observer: an answer that broke off is told as far as it came", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, [](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back({1ms, BackendBegan{200, "text/event-stream"}});
    playback.steps.push_back({1ms, BackendEvents{make_bytes("e0;")}});
    playback.steps.push_back(
        {1ms, BackendFailed{make_error(ErrorCode::backend_stream_failed, "it broke"), false}});
    return playback;
  });
  const auto call = house.submit({.target = "alpha", .is_async = true});
  house.world().advance(1s);
  REQUIRE(house.stored(call).state == TaskState::error);
  const auto late = house.observe(house.task_of(call), true);
  CHECK(house.told(late).data == "e0;");
  CHECK(house.told(late).code() == ErrorCode::backend_stream_failed);
  CHECK(house.told(house.observe(house.task_of(call))).data.empty());
}

TEST_CASE("observer: is told of an end that the store has refused", "[actors]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto call = house.submit({.is_async = true});
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "disk on fire"));
  house.world().advance(1s);
  REQUIRE(house.stored(call).state == TaskState::claimed);
  const auto late = house.observe(house.task_of(call));
  REQUIRE(house.told(late).ended);
  CHECK(house.told(late).code() == ErrorCode::store_failed);
  CHECK(house.stored(call).state == TaskState::error);
  const auto later = house.observe(house.task_of(call));
  CHECK(house.told(later).code() == ErrorCode::store_failed);
}

TEST_CASE("observer: of a row whose profile finds no place any more is told so", "[actors]") {
  actors::BrokerSettings settings;
  for (std::size_t number = 0; number < actors::profiles_max; ++number) {
    settings.profiles["profile " + std::to_string(number)] = {};
  }
  HouseFixture house{settings};
  Task task;
  task.id = TaskId{house.world().ids()->next()};
  task.created_at = house.world().wall()->now();
  task.profile = "one too many";
  task.pool = "alpha";
  task.inference_ms = 1;
  task.idempotency_hash = "key";
  task.request_hash = "{}";
  const std::vector<StoreOp> ops{InsertTask{share(task), make_bytes("{}")}};
  REQUIRE(house.store().commit(ops).at(0).outcome == StoreResult::Outcome::applied);
  const auto observer = house.observe(task.id);
  CHECK(house.told(observer).refused);
  CHECK(house.told(observer).code() == ErrorCode::invalid_request);
  const auto repeat = house.submit({.key = "key"});
  CHECK(house.told(repeat).refused);
  house.hang_up(repeat);
}

}  // namespace signalbox::testing
