// Goal: in a whole house a backend that fails its calls is passed over, whatever way it fails them,
// and one whose callers are at fault is not. Method: a pool on the virtual clock whose first
// backend gets every call that it may get.
#include <catch2/catch.hpp>

#include "tests/support/pool_house.hpp"

namespace signalbox::testing {

TEST_CASE("breaker: opens, diverts, probes and closes", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  bool is_broken = true;
  int asked = 0;
  house.add_backend(
      "alpha", 4,
      [&](const BackendCall& call) {
        ++asked;
        return is_broken ? failure(ErrorCode::backend_error, true)(call) : whole_answer(0s)(call);
      },
      "pool");
  house.add_backend("beta", 4, whole_answer(0s), "pool");
  const auto call = [&] {
    const auto number = house.submit({.target = "pool"});
    REQUIRE(house.told(number).ended);
    CHECK(house.told(number).code() == ErrorCode::none);
    return house.told(number).ended->facts.backend;
  };
  for (int each = 0; each < 20; ++each) CHECK(call() == "beta");
  CHECK(asked == 5);
  CHECK(llm(house, "alpha").breaker == BreakerState::open);
  CHECK(llm(house, "alpha").failures == 5);
  // Its time is over: one call is the probe, and fails.
  advance_s(house, 10);
  CHECK(llm(house, "alpha").breaker == BreakerState::half_open);
  for (int each = 0; each < 20; ++each) CHECK(call() == "beta");
  CHECK(asked == 6);
  advance_s(house, 19);
  CHECK(llm(house, "alpha").breaker == BreakerState::open);
  advance_s(house, 1);
  is_broken = false;
  CHECK(call() == "alpha");
  CHECK(llm(house, "alpha").breaker == BreakerState::closed);
  CHECK(llm(house, "alpha").failures == 0);
}

TEST_CASE("breaker: faults of requests and hang-ups do not open it", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  bool is_slow = false;
  house.add_backend(
      "alpha", 4,
      [&](const BackendCall& call) {
        if (is_slow) return whole_answer(50s)(call);
        Error error = make_error(ErrorCode::backend_error, "no");
        error.backend_status = 400;
        actors::Playback playback;
        playback.steps.push_back({0s, BackendFailed{std::move(error), false}});
        return playback;
      },
      "pool");
  for (int each = 0; each < 10; ++each) {
    const auto call = house.submit({.target = "pool"});
    CHECK(house.told(call).code() == ErrorCode::backend_error);
  }
  is_slow = true;
  for (int each = 0; each < 10; ++each) house.hang_up(house.submit({.target = "pool"}));
  const auto late = house.submit({.target = "pool", .inference = 2s});
  advance_s(house, 5);
  CHECK(house.told(late).code() == ErrorCode::inference_timeout);
  CHECK(llm(house, "alpha").breaker == BreakerState::closed);
  CHECK(llm(house, "alpha").failures == 0);
}

TEST_CASE("breaker: a server that takes calls and says nothing is passed over", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  bool is_wedged = true;
  // It stops when it is told to, at once.
  house.add_backend(
      "alpha", 8,
      [&](const BackendCall& call) {
        return is_wedged ? actors::Playback{} : whole_answer(1s)(call);
      },
      "pool");
  house.add_backend("beta", 8, whole_answer(1s), "pool");
  for (int each = 0; each < 5; ++each) {
    CHECK(llm(house, "alpha").failures == static_cast<std::uint32_t>(each));
    const auto call = house.submit({.target = "pool", .inference = 20s});
    advance_s(house, 21);
    CHECK(house.told(call).code() == ErrorCode::inference_timeout);
  }
  CHECK(llm(house, "alpha").breaker == BreakerState::open);
  const auto diverted = house.submit({.target = "pool", .inference = 20s});
  advance_s(house, 2);
  REQUIRE(house.told(diverted).ended);
  CHECK(house.told(diverted).ended->facts.backend == "beta");
  // The probe is an answer that comes.
  is_wedged = false;
  advance_s(house, 10);
  house.submit({.target = "pool", .inference = 20s});
  advance_s(house, 2);
  CHECK(llm(house, "alpha").breaker == BreakerState::closed);
}

TEST_CASE("breaker: a budget that was too short for the answer does not open it", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  bool is_wedged = false;
  house.add_backend(
      "alpha", 8,
      [&](const BackendCall& call) {
        return is_wedged ? actors::Playback{} : stream_answer(100, 1s)(call);
      },
      "pool");
  house.add_backend("beta", 8, whole_answer(1s), "pool");
  for (int each = 0; each < 10; ++each) {
    const auto call = house.submit({.target = "pool", .streaming = true, .inference = 20s});
    advance_s(house, 21);
    CHECK(house.told(call).code() == ErrorCode::inference_timeout);
  }
  CHECK(llm(house, "alpha").failures == 0);
  // Of these, one has too little patience, and the other leaves.
  is_wedged = true;
  for (int each = 0; each < 10; ++each) {
    const auto brief = house.submit({.target = "pool", .inference = 5s});
    const auto gone = house.submit({.target = "pool", .inference = 60s});
    advance_s(house, 30);
    house.hang_up(gone);
    CHECK(house.told(brief).code() == ErrorCode::inference_timeout);
  }
  CHECK(llm(house, "alpha").failures == 0);
}

TEST_CASE("breaker: one attempt that failed counts once", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  house.add_backend("alpha", 4, failure(ErrorCode::backend_unreachable, true), "pool");
  const auto call = house.submit({.target = "pool"});
  CHECK(llm(house, "alpha").failures == 1);
  // It has a lease for the second attempt, and leaves in the pause before.
  CHECK(llm(house, "alpha").running == 1);
  house.hang_up(call);
  CHECK(llm(house, "alpha").running == 0);
  CHECK(llm(house, "alpha").failures == 1);
}

TEST_CASE("breaker: who waits is served when a broken backend may be tried again", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  int failures = 5;
  house.add_backend(
      "alpha", 1,
      [&failures](const BackendCall& call) {
        return failures-- > 0 ? failure(ErrorCode::backend_error, true)(call)
                              : whole_answer(1s)(call);
      },
      "pool");
  house.add_backend("beta", 1, whole_answer(0s), "pool");
  for (int each = 0; each < 5; ++each) house.submit({.target = "pool"});
  REQUIRE(llm(house, "alpha").breaker == BreakerState::open);
  house.add_backend("gamma", 1, whole_answer(1000s), "pool");
  house.set_present("beta", false);
  house.submit({.target = "pool"});
  const auto waits = house.submit({.target = "pool"});
  advance_s(house, 9);
  CHECK_FALSE(house.told(waits).is_over());
  advance_s(house, 3);
  REQUIRE(house.told(waits).ended);
  CHECK(house.told(waits).ended->facts.backend == "alpha");
}

}  // namespace signalbox::testing
