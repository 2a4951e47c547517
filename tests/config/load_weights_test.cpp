// Goal: owners' weights are read as they are written, and a slip is told with its place. Method:
// small files.
#include <catch2/catch.hpp>

#include "tests/config/support.hpp"

namespace signalbox::config {
namespace {

std::string problem(const std::string& fair) {
  const auto lines = problems("inference: {profiles: {a: {fair: " + fair + "}}}");
  REQUIRE(lines.size() == 1);
  return lines[0];
}

}  // namespace

TEST_CASE("load: weights of owners", "[config][load]") {
  const LoadResult result = load(R"(
inference:
  profiles:
    a: {policy: fair, fair: {weights: {team-a: 4, "b:1": 1000, "7": 1}}}
    b: {fair: {weights: }}
    c: {fair: {}}
)",
                                 "f.yaml");
  CHECK(result.violations.empty());
  const auto& profiles = result.settings.profiles;
  CHECK(profiles.at("a").policy == "fair");
  CHECK(profiles.at("a").policy_options.fair_weights ==
        OwnerWeights{{"7", 1}, {"b:1", 1000}, {"team-a", 4}});
  CHECK(profiles.at("b") == ProfileSettings{});
  CHECK(profiles.at("c") == ProfileSettings{});
}

TEST_CASE("load: weights of owners with slips", "[config][load]") {
  CHECK(problem("{weights: {team-a: 0}}") ==
        "f.yaml:1:53: inference.profiles.a.fair.weights.team-a: must be a whole number from 1 "
        "to "
        "1000, not \"0\"");
  for (const char* weight : {"1001", "1.5", "-1", "\"2\"", "~", "[]", "four"}) {
    CHECK_THAT(problem(std::string{"{weights: {a: "} + weight + "}}"),
               Catch::Contains("weights.a: must be"));
  }
  CHECK_THAT(problem("{weights: [team-a]}"), Catch::Contains("weights: must be a map"));
  CHECK_THAT(problem("{weights: {a b: 2}}"), Catch::Contains("owner's name must be 1-128"));
  CHECK_THAT(problem("{shares: {}}"), Catch::Contains("fair.shares: unknown key"));
  CHECK_THAT(problem("7"), Catch::Contains("fair: must be a map"));
}

TEST_CASE("load: so many owners may have weights", "[config][load]") {
  const auto weights = [](std::size_t owners) {
    std::string text;
    for (std::size_t owner = 0; owner < owners; ++owner) text += std::to_string(owner) + ": 2, ";
    return "{weights: {" + text + "}}";
  };
  CHECK(problems("inference: {profiles: {a: {fair: " + weights(256) + "}}}").empty());
  CHECK_THAT(problem(weights(257)), Catch::Contains("must name at most 256 owners"));
}

}  // namespace signalbox::config
