// Goal: the way of one call through broker, profile, task, directory and store holds the contract.
// Method: the real actors on the virtual clock, a memory store, backends that play scripts.
#include <catch2/catch.hpp>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

TEST_CASE("call: is stored, run and answered, with its facts", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(2s, "hello"));
  const auto call = house.submit({});
  CHECK(house.stored(call).state == TaskState::claimed);
  house.world().advance(2s);
  const Told& told = house.told(call);
  REQUIRE(told.ended);
  CHECK(told.code() == ErrorCode::none);
  CHECK(*told.ended->body == "hello");
  CHECK(told.ended->facts.backend == "alpha");
  CHECK(told.ended->facts.profile == "openai_compat:model-of-alpha");
  CHECK(told.ended->facts.attempts == 1);
  CHECK(house.stored(call).state == TaskState::completed);
  CHECK(**house.store().load_body(house.task_of(call), BodyKind::response) == "hello");
}

TEST_CASE("call: a stream passes its events on and ends after the end is stored",
          "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, stream_answer(3, 1s));
  const auto call = house.submit({.streaming = true});
  CHECK_FALSE(house.told(call).began);
  house.world().advance(1s);
  CHECK(house.told(call).began);
  CHECK(house.told(call).data == "e0;");
  CHECK(house.stored(call).state == TaskState::running);
  house.world().advance(2s);
  REQUIRE(house.told(call).ended);
  CHECK(house.told(call).data == "e0;e1;e2;");
  CHECK(*house.told(call).ended->tail == "done;");
  CHECK(*house.told(call).ended->body == "assembled");
}

TEST_CASE("call: classes go strictly, first come first served inside one", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto first = house.submit({.priority = Priority::background});
  std::vector<actors::CallNumber> expected{first};
  std::vector<actors::CallNumber> interactive;
  std::vector<actors::CallNumber> workflow;
  std::vector<actors::CallNumber> background;
  for (int round = 0; round < 3; ++round) {
    background.push_back(house.submit({.priority = Priority::background}));
    workflow.push_back(house.submit({.priority = Priority::workflow}));
    interactive.push_back(house.submit({.priority = Priority::interactive}));
  }
  for (const auto& list : {interactive, workflow, background}) {
    expected.insert(expected.end(), list.begin(), list.end());
  }
  house.world().advance(15s);
  CHECK(house.ledger().order == expected);
}

TEST_CASE("call: one beyond max_queued is refused at once and leaves no row", "[actors][call]") {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_queued = 2;
  HouseFixture house{settings};
  house.add_backend("alpha", 1, whole_answer(5s));
  house.submit({});
  house.submit({});
  house.submit({});
  const auto extra = house.submit({});
  CHECK(house.told(extra).code() == ErrorCode::queue_full);
  CHECK_FALSE(house.store().load(house.task_of(extra))->has_value());
  // Another class has a bound of its own.
  CHECK_FALSE(house.told(house.submit({.priority = Priority::interactive})).is_over());
  const auto rows = house.rows();
  CHECK(std::count_if(rows.begin(), rows.end(), [](const CallRow& row) {
          return row.status == CallStatus::queue_full;
        }) == 1);
}

TEST_CASE("call: both budgets end on time while the slot is busy", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1000s));
  const Instant start = house.world().now();
  const auto running = house.submit({.inference = 30s});
  const auto waiting = house.submit({.queue_wait = 7s});
  house.world().advance(60s);
  CHECK(house.told(waiting).code() == ErrorCode::queue_wait_timeout);
  CHECK(house.told(waiting).at - start == 7s);
  CHECK(house.told(running).code() == ErrorCode::inference_timeout);
  CHECK(house.told(running).at - start == 30s);
  CHECK(house.stored(running).state == TaskState::error);
  CHECK(house.profile("openai_compat:model-of-alpha").occupancy.in_flight == 0);
}

TEST_CASE("call: a caller that hangs up leaves at any stage, neighbours stay", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, stream_answer(5, 1s));
  const auto running = house.submit({.streaming = true});
  const auto gone = house.submit({.streaming = true});
  const auto neighbour = house.submit({.streaming = true});
  SECTION("queued") {
    house.hang_up(gone);
    CHECK(house.stored(gone).state == TaskState::cancelled);
    house.world().advance(20s);
    CHECK(house.told(neighbour).ended);
    CHECK(house.told(running).code() == ErrorCode::none);
  }
  SECTION("waiting for the first byte") {
    house.hang_up(running);
    CHECK(house.stored(running).state == TaskState::cancelled);
    CHECK(house.stored(gone).state == TaskState::claimed);
  }
  SECTION("streaming") {
    house.world().advance(2s);
    house.hang_up(running);
    CHECK(house.stored(running).state == TaskState::cancelled);
    CHECK(house.stored(gone).state == TaskState::claimed);
    house.world().advance(20s);
    CHECK(house.told(neighbour).code() == ErrorCode::none);
  }
}

TEST_CASE("call: without a key in flight nothing is dispatched before it is durable",
          "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  house.store().fail_next_commit(make_error(ErrorCode::store_full, "the disk is full"));
  const auto call = house.submit({});
  CHECK(house.told(call).code() == ErrorCode::store_full);
  CHECK(house.profile("openai_compat:model-of-alpha").occupancy.admitted_total == 0);
  const auto next = house.submit({});
  house.world().advance(1s);
  CHECK(house.told(next).code() == ErrorCode::none);
}

TEST_CASE("call: an end that cannot be stored is not announced as one", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto call = house.submit({});
  house.store().fail_next_commit(make_error(ErrorCode::store_failed, "i/o error"));
  house.world().advance(1s);
  CHECK(house.told(call).code() == ErrorCode::store_failed);
  CHECK(house.stored(call).state == TaskState::claimed);
}

TEST_CASE("call: relaxed profiles answer without waiting for the disk", "[actors][call]") {
  actors::BrokerSettings settings;
  settings.commit = CommitMode::relaxed;
  HouseFixture house{settings};
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto call = house.submit({});
  house.world().advance(1s);
  CHECK(house.told(call).code() == ErrorCode::none);
  CHECK(house.stored(call).state == TaskState::completed);
}

TEST_CASE("call: a waiter whose pool is absent does not block another's", "[actors][call]") {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = 1;
  HouseFixture house{settings};
  house.add_backend("alpha", 1, whole_answer(1s));
  house.add_backend("beta", 1, whole_answer(1s));
  house.set_present("beta", false);
  const auto blocked =
      house.submit({.target = "beta", .priority = Priority::interactive, .profile = "shared"});
  const auto free = house.submit({.target = "alpha", .profile = "shared"});
  house.world().advance(1s);
  CHECK(house.told(free).code() == ErrorCode::none);
  CHECK_FALSE(house.told(blocked).is_over());
  house.set_present("beta", true);
  house.world().advance(1s);
  CHECK(house.told(blocked).ended);
}

TEST_CASE("call: fail-fast is refused when nobody is present, waits when busy", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(5s));
  house.submit({});
  CHECK_FALSE(house.told(house.submit({.fail_fast = true})).is_over());
  house.set_present("alpha", false);
  CHECK(house.told(house.submit({.fail_fast = true})).code() == ErrorCode::no_backend);
  CHECK(house.told(house.submit({.target = "nobody"})).code() == ErrorCode::model_not_found);
}

TEST_CASE("call: slots follow a live profile", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 8, whole_answer(10s));
  const std::string profile = "p";
  house.configure({.name = profile, .max_concurrent = 1});
  for (int index = 0; index < 4; ++index) house.submit({.profile = profile});
  CHECK(house.profile(profile).occupancy.in_flight == 1);
  house.configure({.name = profile, .max_concurrent = 3});
  CHECK(house.profile(profile).occupancy.in_flight == 3);
  house.configure({.name = profile, .max_concurrent = 0});
  house.world().advance(10s);
  CHECK(house.profile(profile).occupancy.in_flight == 0);
  CHECK(house.profile(profile).occupancy.waiting[to_index(Priority::workflow)] == 1);
  house.configure({.name = profile, .max_concurrent = 1});
  CHECK(house.profile(profile).occupancy.in_flight == 1);
}

TEST_CASE("call: unconfigured slots are the capacities that are present", "[actors][call]") {
  HouseFixture house;
  house.add_backend("alpha", 2, whole_answer(1s), "pool");
  house.add_backend("beta", 3, whole_answer(1s), "pool");
  house.submit({.target = "pool"});
  CHECK(house.profile("openai_compat:pool").occupancy.slots == 5);
  house.set_present("beta", false);
  CHECK(house.profile("openai_compat:pool").occupancy.slots == 2);
}

}  // namespace signalbox::testing
