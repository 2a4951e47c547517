// Goal: an agent's pool is tried member by member, and the last failure is the answer. Method: as
// worker_test, with a pool of three.
#include <catch2/catch.hpp>

#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {
namespace {

CallSpec to_agent() {
  CallSpec spec;
  spec.target = "chat";
  spec.agent = "scout";
  return spec;
}

/// Members of one pool; the first ones fail.
void add_members(HouseFixture& house, int failing, bool is_retryable, int others) {
  for (int index = 0; index < failing; ++index) {
    house.add_backend("member" + std::to_string(index), 1,
                      failure(ErrorCode::backend_error, is_retryable), "chat");
  }
  for (int index = failing; index < failing + others; ++index) {
    house.add_backend("member" + std::to_string(index), 1, whole_answer(1s), "chat");
  }
}

}  // namespace

TEST_CASE("agent: a failure that cannot get better moves on to the next member", "[actors]") {
  HouseFixture house;
  add_members(house, 2, false, 1);
  const auto call = house.submit(to_agent());
  house.world().advance(1s);
  REQUIRE(house.told(call).ended);
  CHECK(house.told(call).code() == ErrorCode::none);
  CHECK(house.told(call).ended->facts.backend == "member2");
  CHECK(house.told(call).ended->facts.attempts == 3);
}

TEST_CASE("agent: without an agent such a failure is the answer", "[actors]") {
  HouseFixture house;
  add_members(house, 1, false, 1);
  CallSpec spec = to_agent();
  spec.agent.clear();
  CHECK(house.told(house.submit(spec)).code() == ErrorCode::backend_error);
}

TEST_CASE("agent: all members are tried, more of them than attempts too", "[actors]") {
  HouseFixture house;
  add_members(house, 5, true, 1);
  const auto call = house.submit(to_agent());
  house.world().advance(20s);
  REQUIRE(house.told(call).ended);
  CHECK(house.told(call).ended->facts.backend == "member5");
  CHECK(house.told(call).ended->facts.attempts == 6);
}

TEST_CASE("agent: when all have failed the last failure is the answer", "[actors]") {
  HouseFixture house;
  const bool is_retryable = GENERATE(false, true);
  add_members(house, 3, is_retryable, 0);
  const auto call = house.submit(to_agent());
  house.world().advance(60s);
  REQUIRE(house.told(call).ended);
  CHECK(house.told(call).code() == ErrorCode::backend_error);
  CHECK(house.told(call).ended->facts.attempts == 3);
  CHECK(house.stored(call).state == TaskState::error);
  CHECK(house.profile(house.stored(call).profile).occupancy.in_flight == 0);
}

TEST_CASE("agent: a busy member is worth the wait, one that has failed is not", "[actors]") {
  HouseFixture house;
  add_members(house, 1, false, 1);
  house.submit(to_agent());
  const auto second = house.submit(to_agent());
  house.world().advance(2s);
  REQUIRE(house.told(second).ended);
  CHECK(house.told(second).code() == ErrorCode::none);
  CHECK(house.told(second).ended->facts.backend == "member1");
}

TEST_CASE("agent: the last member that goes away leaves the last failure", "[actors]") {
  HouseFixture house;
  WorkerFixture worker{house};
  house.add_backend("member0", 1, failure(ErrorCode::backend_error, false), "chat");
  REQUIRE(worker.offer({offered("member1", 1, "chat")}).error.code == ErrorCode::none);
  worker.bind();
  const auto busy = house.submit(to_agent());
  REQUIRE(worker.sent().size() == 1);
  const auto call = house.submit(to_agent());
  CHECK_FALSE(house.told(call).is_over());
  worker.leave();
  house.world().advance(1s);
  CHECK(house.told(call).code() == ErrorCode::backend_error);
  CHECK(house.told(busy).code() == ErrorCode::backend_error);
}

}  // namespace signalbox::testing
