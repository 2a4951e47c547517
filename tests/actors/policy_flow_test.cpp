// Goal: what policies look at reaches them from the calls, and what calls took comes back. Method:
// a house with one backend on the virtual clock, calls that say their size and owner, the order of
// their ends.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {
namespace {

actors::BrokerSettings with_policy(const std::string& policy) {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_concurrent = 1;
  settings.profile_defaults.max_queued = 1000;
  settings.profile_defaults.default_queue_wait_s = 5000;
  settings.profile_defaults.policy = policy;
  return settings;
}

/// Takes a second, and says that ten tokens went in and ten came out.
actors::PlaybackScript counted_answer() {
  return [](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back(
        {1s, BackendFinished{200, "application/json",
                             make_bytes(R"({"usage":{"prompt_tokens":10,"completion_tokens":10}})"),
                             nullptr}});
    return playback;
  };
}

void run(HouseFixture& house, int seconds) {
  for (int second = 0; second < seconds; ++second) house.world().advance(1s);
}

}  // namespace

TEST_CASE("policies: sjf orders calls by what they say they want", "[actors][policies]") {
  HouseFixture house{with_policy("sjf")};
  house.add_backend("alpha", 1, counted_answer());
  std::vector<actors::CallNumber> calls;
  for (const std::uint32_t tokens : {500U, 300U, 100U, 200U, 400U}) {
    calls.push_back(house.submit({.size = {10, tokens}}));
  }
  run(house, 6);
  CHECK(house.ledger().order == std::vector{calls[0], calls[2], calls[3], calls[1], calls[4]});
}

TEST_CASE("policies: fair learns what calls really took", "[actors][policies]") {
  HouseFixture house{with_policy("fair")};
  house.add_backend("alpha", 1, counted_answer());
  std::map<actors::CallNumber, std::string> owners;
  for (int count = 0; count < 20; ++count) {
    // One asks for a hundred times more than it takes.
    owners[house.submit({.owner = "bold", .size = {10, 1000}})] = "bold";
    owners[house.submit({.owner = "modest", .size = {10, 10}})] = "modest";
  }
  run(house, 12);
  const auto& order = house.ledger().order;
  REQUIRE(order.size() >= 10);
  const auto bold = std::count_if(order.begin(), order.begin() + 10,
                                  [&](auto call) { return owners.at(call) == "bold"; });
  CHECK(bold >= 4);
  CHECK(bold <= 6);
}

TEST_CASE("policies: a change reorders those who wait and loses none", "[actors][policies]") {
  HouseFixture house{with_policy("strict")};
  house.add_backend("alpha", 1, counted_answer());
  std::vector<actors::CallNumber> calls;
  for (const std::uint32_t tokens : {500U, 400U, 100U, 200U, 300U}) {
    calls.push_back(house.submit({.profile = "p", .size = {10, tokens}}));
  }
  actors::ConfigureProfile change{"p"};
  change.policy = "sjf";
  house.configure(change);
  run(house, 2);
  change.policy = "aging";
  house.configure(change);
  run(house, 5);
  CHECK(house.ledger().order == std::vector{calls[0], calls[2], calls[3], calls[1], calls[4]});
}

TEST_CASE("policies: options that are changed are kept over a restart", "[actors][policies]") {
  HouseFixture house{with_policy("strict")};
  actors::ConfigureProfile change{"p"};
  change.policy = "aging";
  change.options.aging_weights[0] = 9;
  change.options.fair_weights = {{"team-a", 4}};
  change.options.sjf_max_bypass_s = 2.5;
  house.configure(change);
  house.kill_and_restart();
  const ProfileSettings settings = house.profile("p").settings;
  CHECK(settings.policy == "aging");
  CHECK(settings.policy_options == PolicyOptions{.aging_weights = {9, 2, 1},
                                                 .fair_weights = {{"team-a", 4}},
                                                 .sjf_max_bypass_s = 2.5});
}

}  // namespace signalbox::testing
