// Goal: tasks for targets that nobody serves leave a row behind and nothing else. Method: a whole
// house on the virtual clock.
#include <catch2/catch.hpp>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {
namespace {

/// As jobs ask.
CallSpec job_for(const std::string& target) {
  return {.target = target, .is_async = true, .fail_fast = true, .takes_absent = true};
}

std::size_t profile_count(HouseFixture& house) {
  return ask<actors::ProfileList>(house.world(), house.house().broker, actors::ListProfiles{})
      .profiles.size();
}

}  // namespace

TEST_CASE("absent: a job that nobody can run ends at once, and makes no profile",
          "[actors][absent]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  house.set_present("alpha", false);
  for (int index = 0; index < 100; ++index) {
    const auto call = house.submit(job_for("nobody-" + std::to_string(index)));
    REQUIRE(house.told(call).code() == ErrorCode::no_backend);
    const Task row = house.stored(call);
    CHECK(row.state == TaskState::error);
    CHECK(row.error_code == ErrorCode::no_backend);
    CHECK(row.attempts == 0);
  }
  CHECK(house.told(house.submit(job_for("alpha"))).code() == ErrorCode::no_backend);
  CHECK(profile_count(house) == 0);
  CHECK(house.rows().size() == 101);
}

TEST_CASE("absent: what is no name is refused and kept nowhere", "[actors][absent]") {
  HouseFixture house;
  const auto target = GENERATE(std::string(9 << 20, 'x'), std::string(129, 'x'), "two words");
  const auto fail_fast = GENERATE(false, true);
  CallSpec spec = job_for(target);
  spec.fail_fast = fail_fast;
  const auto call = house.submit(spec);
  REQUIRE(house.told(call).refused);
  CHECK(house.told(call).refused->error.code == ErrorCode::invalid_request);
  CHECK(house.told(call).refused->error.param == "model");
  CHECK(profile_count(house) == 0);
}

TEST_CASE("absent: a job that somebody can run is queued and completes", "[actors][absent]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(1s));
  const auto call = house.submit(job_for("alpha"));
  CHECK(house.told(call).accepted);
  house.world().advance(1s);
  CHECK(house.stored(call).state == TaskState::completed);
}

TEST_CASE("absent: a task that can wait does, under a profile of its own", "[actors][absent]") {
  HouseFixture house;
  CallSpec spec = job_for("alpha");
  spec.fail_fast = false;
  const auto call = house.submit(spec);
  CHECK(house.told(call).accepted);
  CHECK(profile_count(house) == 1);
  house.add_backend("alpha", 1, whole_answer(1s));
  house.world().advance(1s);
  CHECK(house.stored(call).state == TaskState::completed);
}

TEST_CASE("absent: the same key at the same moment is the same job", "[actors][absent]") {
  HouseFixture house;
  CallSpec spec = job_for("nobody");
  spec.key = "key";
  const auto first = house.submit_later(spec);
  const auto again = house.submit_later(spec);
  house.world().run();
  CHECK(house.told(first).code() == ErrorCode::no_backend);
  REQUIRE(house.told(again).accepted);
  CHECK(house.told(again).accepted->task->id == house.task_of(first));
}

TEST_CASE("absent: a job that cannot be stored is refused", "[actors][absent]") {
  HouseFixture house;
  house.store().fail_next_commit(make_error(ErrorCode::store_full, "the disk is full"));
  const auto call = house.submit(job_for("nobody"));
  CHECK(house.told(call).refused);
  CHECK(house.told(call).code() == ErrorCode::store_full);
}

}  // namespace signalbox::testing
