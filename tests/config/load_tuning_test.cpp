// Goal: bounds of slots that tune themselves are read, and slips are told with their places.
#include <catch2/catch.hpp>

#include "tests/config/support.hpp"

namespace signalbox::config {

TEST_CASE("load: a profile tunes its slots between bounds", "[config][load]") {
  const LoadResult result = load(R"(
inference:
  profiles:
    a: {max_concurrent: 4, tune_slots: {min: 2, max: 32}}
    b: {tune_slots: {max: 8}}
    c: {tune_slots: ~}
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  const auto& profiles = result.settings.profiles;
  REQUIRE(profiles.size() == 3);
  CHECK(profiles.at("a").tune_slots == SlotBounds{2, 32});
  CHECK(profiles.at("a").max_concurrent == 4U);
  CHECK(profiles.at("b").tune_slots == SlotBounds{1, 8});
  CHECK(profiles.at("c") == ProfileSettings{});
}

TEST_CASE("load: bounds of slots with bad values", "[config][load]") {
  const auto problem = [](const std::string& setting) {
    const auto lines = problems("inference:\n  profiles:\n    a: " + setting + "\n");
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  CHECK(problem("{tune_slots: {min: 0, max: 4}}") ==
        "f.yaml:3:27: inference.profiles.a.tune_slots.min: must be a whole number from 1 to 10000, "
        "not \"0\"");
  CHECK_THAT(problem("{tune_slots: {max: 10001}}"), Catch::Contains("tune_slots.max: must be"));
  CHECK_THAT(problem("{tune_slots: {min: 5, max: 4}}"),
             Catch::Contains("tune_slots: min must not be above max"));
  CHECK_THAT(problem("{tune_slots: {min: 5}}"), Catch::Contains("tune_slots.max"));
  CHECK_THAT(problem("{tune_slots: {max: 2, step: 1}}"), Catch::Contains("step"));
  CHECK_THAT(problem("{tune_slots: 3}"), Catch::Contains("must be a map"));
  CHECK_THAT(problem("{tune_slots: {min: 2, max: 8}, reserve_interactive: 2}"),
             Catch::Contains("less than tune_slots.min"));
}

}  // namespace signalbox::config
