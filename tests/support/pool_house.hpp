// A house with one pool, for tests of who in it gets a call.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/house_fixture.hpp"

namespace signalbox::testing {

/// Nobody is refused or sent away; `pool` chooses so.
inline actors::BrokerSettings wide_open(ChoiceKind choice) {
  actors::BrokerSettings settings;
  settings.profile_defaults.max_queued = 5000;
  settings.profile_defaults.default_queue_wait_s = 5000;
  settings.pools["pool"] = choice;
  return settings;
}

/// As the directory has it now.
inline Llm llm(HouseFixture& house, const std::string& name) {
  const auto list =
      ask<actors::LlmList>(house.world(), house.house().directory, actors::ListLlms{});
  const Llm* found = list.table->find(name);
  REQUIRE(found != nullptr);
  return *found;
}

/// Second by second: what is due in between happens at its time.
inline void advance_s(HouseFixture& house, int seconds) {
  for (int second = 0; second < seconds; ++second) {
    house.world().advance(std::chrono::seconds{1});
  }
}

}  // namespace signalbox::testing
