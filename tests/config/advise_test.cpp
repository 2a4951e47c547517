// Goal: settings that do nothing where they stand are named, and nothing else is. Method: settings
// by hand and a whole text.
#include "config/advise.hpp"

#include <catch2/catch.hpp>

#include "config/load.hpp"

namespace signalbox::config {

TEST_CASE("advise: the defaults need none", "[config][advise]") {
  CHECK(advise(Settings{}).empty());
}

TEST_CASE("advise: the strict policy's options under another policy", "[config][advise]") {
  const auto loaded = load(
      "inference:\n"
      "  profiles:\n"
      "    a: {max_concurrent: 4, policy: aging, reserve_interactive: 1, background_trickle: 9}\n"
      "    b: {max_concurrent: 4, reserve_interactive: 1, background_trickle: 9}\n"
      "    c: {max_concurrent: 4, policy: sjf, reserve_interactive: 0}\n",
      "f.yaml");
  REQUIRE(loaded.violations.empty());
  std::vector<std::string> lines;
  for (const Violation& advice : advise(loaded.settings, loaded.places, "f.yaml")) {
    lines.push_back(to_string(advice));
  }
  CHECK(lines == std::vector<std::string>{
                     "f.yaml:3:64: inference.profiles.a.reserve_interactive: has no effect with "
                     "policy aging, only with strict",
                     "f.yaml:3:87: inference.profiles.a.background_trickle: has no effect with "
                     "policy aging, only with strict"});
}

}  // namespace signalbox::config
