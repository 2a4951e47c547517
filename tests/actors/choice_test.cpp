// Goal: in a whole house calls are spread, kept together and diverted as the pool's choice and the
// breakers say, and none is lost. Method: three backends on the virtual clock that take a second a
// call; counts of who answered. When breakers open and close: breaker_test.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/pool_house.hpp"

namespace signalbox::testing {
namespace {

const std::vector<std::string> names{"alpha", "beta", "gamma"};

void add_three(HouseFixture& house, std::uint32_t capacity = 4) {
  for (const std::string& name : names) house.add_backend(name, capacity, whole_answer(1s), "pool");
}

PoolView pool(HouseFixture& house) {
  const auto list =
      ask<actors::PoolList>(house.world(), house.house().directory, actors::ListPools{});
  REQUIRE_FALSE(list.pools.empty());
  return list.pools.front();
}

/// @returns how many of the calls each backend has answered; fails unless all were.
std::map<std::string, std::size_t> answered_by(HouseFixture& house,
                                               const std::vector<actors::CallNumber>& calls) {
  std::map<std::string, std::size_t> counts;
  for (const auto call : calls) {
    const Told& told = house.told(call);
    if (!told.ended || told.code() != ErrorCode::none) {
      FAIL("call " << call << " was lost: " << to_string(told.code()));
    }
    ++counts[told.ended->facts.backend];
  }
  return counts;
}

/// Works until `ends`, and is gone then: what runs is cut, what comes finds nobody.
actors::PlaybackScript dies_at(HouseFixture& house, Instant ends) {
  return [&world = house.world(), ends](const BackendCall& call) {
    const Duration left = ends - world.now();
    if (left <= Duration::zero()) return failure(ErrorCode::backend_unreachable, true)(call);
    if (left < 1s) return failure(ErrorCode::backend_stream_failed, true, left)(call);
    return whole_answer(1s)(call);
  };
}

}  // namespace

TEST_CASE("choice: 1,000 equal calls, and none of three has more than its share", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::least_loaded)};
  add_three(house);
  std::vector<actors::CallNumber> calls;
  for (int call = 0; call < 1000; ++call) calls.push_back(house.submit_later({.target = "pool"}));
  advance_s(house, 86);
  const auto counts = answered_by(house, calls);
  for (const std::string& name : names) {
    CAPTURE(name);
    CHECK(counts.at(name) <= 367);
    CHECK(counts.at(name) >= 300);
  }
}

TEST_CASE("choice: one of three dies in the middle and no call is lost", "[actors]") {
  for (const ChoiceKind choice : {ChoiceKind::first_match, ChoiceKind::round_robin,
                                  ChoiceKind::least_loaded, ChoiceKind::affinity}) {
    CAPTURE(to_string(choice));
    HouseFixture house{wide_open(choice)};
    const Instant death = house.world().now() + 20s + 500ms;
    house.add_backend("alpha", 4, dies_at(house, death), "pool");
    house.add_backend("beta", 4, whole_answer(1s), "pool");
    house.add_backend("gamma", 4, whole_answer(1s), "pool");
    std::vector<actors::CallNumber> calls;
    for (int call = 0; call < 1000; ++call) {
      calls.push_back(
          house.submit_later({.target = "pool", .session = "s" + std::to_string(call % 20)}));
    }
    advance_s(house, 200);
    const auto counts = answered_by(house, calls);
    CHECK(counts.at("alpha") >= 60);
    CHECK(llm(house, "alpha").breaker != BreakerState::closed);
    // Five and a probe now and then: nearly all went past it at once.
    std::size_t retried = 0;
    for (const auto call : calls) retried += house.told(call).ended->facts.attempts - 1;
    CHECK(retried <= 20);
  }
}

TEST_CASE("affinity: 20 sessions of 50 calls each, and each is served by one backend", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::affinity)};
  add_three(house);
  std::map<std::string, std::vector<actors::CallNumber>> sessions;
  std::vector<actors::CallNumber> calls;
  for (int call = 0; call < 1000; ++call) {
    const std::string session = "s" + std::to_string(call % 20);
    calls.push_back(house.submit_later({.target = "pool", .session = session}));
    sessions[session].push_back(calls.back());
  }
  // 20 sessions over three are 7, 7 and 6: 350 calls by fours. Nobody idles while there is work.
  advance_s(house, 90);
  answered_by(house, calls);
  for (const auto& [session, own] : sessions) {
    CAPTURE(session);
    CHECK(answered_by(house, own).size() == 1);
  }
  CHECK(pool(house).sessions == 20);
}

TEST_CASE("affinity: a session whose backend goes moves as one, and does not go back", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::affinity)};
  add_three(house);
  const auto call = [&](const std::string& session) {
    const auto number = house.submit({.target = "pool", .session = session});
    house.world().advance(1s);
    REQUIRE(house.told(number).ended);
    return house.told(number).ended->facts.backend;
  };
  std::map<std::string, std::string> homes;
  for (int session = 0; session < 9; ++session) {
    const std::string name = "s" + std::to_string(session);
    homes[name] = call(name);
  }
  house.set_present("beta", false);
  for (auto& [session, home] : homes) {
    const std::string now = call(session);
    CAPTURE(session, home, now);
    if (home != "beta") CHECK(now == home);
    CHECK(now != "beta");
    home = now;
  }
  house.set_present("beta", true);
  for (int round = 0; round < 3; ++round) {
    for (const auto& [session, home] : homes) CHECK(call(session) == home);
  }
}

TEST_CASE("affinity: a session that waits for its backend holds nobody else up", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::affinity)};
  house.add_backend("alpha", 1, whole_answer(4s), "pool");
  house.add_backend("beta", 1, whole_answer(1s), "pool");
  const auto first = house.submit({.target = "pool", .session = "slow"});
  const auto second = house.submit({.target = "pool", .session = "slow"});
  const auto plain = house.submit({.target = "pool"});
  const auto other = house.submit({.target = "pool", .session = "quick"});
  advance_s(house, 3);
  CHECK(house.told(plain).ended);
  CHECK(house.told(other).ended);
  CHECK_FALSE(house.told(second).is_over());
  advance_s(house, 6);
  CHECK(house.told(first).ended->facts.backend == "alpha");
  CHECK(house.told(second).ended->facts.backend == "alpha");
}

TEST_CASE("affinity: who has waited five seconds for a full backend goes to a free one",
          "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::affinity)};
  house.add_backend("alpha", 1, whole_answer(100s), "pool");
  house.add_backend("beta", 1, whole_answer(1s), "pool");
  const auto first = house.submit({.target = "pool", .session = "s"});
  advance_s(house, 10);
  const auto second = house.submit({.target = "pool", .session = "s"});
  const auto third = house.submit({.target = "pool", .session = "s"});
  house.world().advance(5999ms);
  CHECK_FALSE(house.told(second).is_over());
  // It waited five seconds and ran for one.
  house.world().advance(1ms);
  CHECK(house.told(second).is_over());
  // The next one has waited as long, but beta was full until now.
  house.world().advance(5999ms);
  CHECK_FALSE(house.told(third).is_over());
  house.world().advance(1ms);
  REQUIRE(house.told(third).is_over());
  CHECK(house.told(second).ended->facts.backend == "beta");
  CHECK(house.told(third).ended->facts.backend == "beta");
  advance_s(house, 90);
  const auto back = house.submit({.target = "pool", .session = "s"});
  advance_s(house, 101);
  CHECK(house.told(first).ended->facts.backend == "alpha");
  CHECK(house.told(back).ended->facts.backend == "alpha");
}

TEST_CASE("affinity: a task of the backlog has its session too, and so has its retry", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::affinity)};
  int failures = 1;
  house.add_backend(
      "alpha", 4,
      [&failures](const BackendCall& call) {
        return failures-- > 0 ? failure(ErrorCode::backend_unreachable, true)(call)
                              : whole_answer(1s)(call);
      },
      "pool");
  house.add_backend("beta", 4, whole_answer(1s), "pool");
  const auto first = house.submit({.target = "pool", .is_async = true, .session = "s"});
  advance_s(house, 2);
  // It failed on alpha and was tried on beta: that is where the session is now.
  CHECK(house.stored(first).backend == "beta");
  const auto second = house.submit({.target = "pool", .is_async = true, .session = "s"});
  const auto third = house.submit({.target = "pool", .session = "s"});
  advance_s(house, 2);
  CHECK(house.stored(second).backend == "beta");
  CHECK(house.stored(third).backend == "beta");
}

TEST_CASE("pools: a choice made by API holds at once and after a restart", "[actors]") {
  actors::BrokerSettings settings = wide_open(ChoiceKind::first_match);
  settings.pools.clear();
  HouseFixture house{settings};
  add_three(house);
  CHECK(pool(house).choice == ChoiceKind::least_loaded);
  CHECK(pool(house).llms == names);
  const auto done = ask<actors::Done>(house.world(), house.house().broker,
                                      actors::ConfigurePool{"pool", ChoiceKind::affinity});
  CHECK(done.error.code == ErrorCode::none);
  CHECK(pool(house).choice == ChoiceKind::affinity);
  for (int each = 0; each < 3; ++each) {
    const auto call = house.submit({.target = "pool", .session = "s"});
    CHECK_FALSE(house.told(call).is_over());
  }
  CHECK(llm(house, "alpha").running == 3);
  house.kill_and_restart();
  CHECK(pool(house).choice == ChoiceKind::affinity);
  // Read again from the configuration: what it does not name stays.
  ask<actors::Done>(house.world(), house.house().broker,
                    actors::ApplyPools{ChoiceKind::round_robin, {{"other", ChoiceKind::affinity}}});
  const auto list =
      ask<actors::PoolList>(house.world(), house.house().directory, actors::ListPools{});
  REQUIRE(list.pools.size() == 2);
  CHECK(list.pools[0].name == "other");
  CHECK(list.pools[1].choice == ChoiceKind::affinity);
}

TEST_CASE("pools: a choice that changes while calls wait strands none of them", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::least_loaded)};
  add_three(house, 1);
  const auto configure = [&](ChoiceKind choice) {
    ask<actors::Done>(house.world(), house.house().broker, actors::ConfigurePool{"pool", choice});
  };
  std::vector<actors::CallNumber> calls;
  std::map<std::string, std::vector<actors::CallNumber>> late;
  const auto submit = [&](int call) {
    const std::string session = "s" + std::to_string(call % 4);
    calls.push_back(house.submit_later({.target = "pool", .session = session}));
    return session;
  };
  for (int call = 0; call < 30; ++call) submit(call);
  advance_s(house, 2);
  // Nobody without a session waits, and none has been named so far.
  configure(ChoiceKind::affinity);
  for (int call = 0; call < 60; ++call) {
    const std::string session = submit(call);
    late[session].push_back(calls.back());
  }
  advance_s(house, 50);
  answered_by(house, calls);
  for (const auto& [session, own] : late) {
    CAPTURE(session);
    CHECK(answered_by(house, own).size() == 1);
  }
  // All of one session stand before one backend, until sessions count no more.
  calls.clear();
  for (int call = 0; call < 31; ++call) {
    calls.push_back(house.submit_later({.target = "pool", .session = "s0"}));
  }
  house.world().advance(1s);
  CHECK(llm(house, "alpha").running + llm(house, "beta").running + llm(house, "gamma").running ==
        1);
  configure(ChoiceKind::first_match);
  advance_s(house, 11);
  CHECK(answered_by(house, calls).size() == 3);
}

TEST_CASE("pools: the configuration goes before what the API once said", "[actors]") {
  HouseFixture house{wide_open(ChoiceKind::first_match)};
  add_three(house);
  ask<actors::Done>(house.world(), house.house().broker,
                    actors::ConfigurePool{"pool", ChoiceKind::affinity});
  CHECK(pool(house).choice == ChoiceKind::affinity);
  house.kill_and_restart();
  CHECK(pool(house).choice == ChoiceKind::first_match);
}

}  // namespace signalbox::testing
