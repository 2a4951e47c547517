// Goal: slips in the arguments of `signalbox sim` are told for what they are. Method: literal
// command lines.
#include <catch2/catch.hpp>

#include "cli/arguments.hpp"
#include "tests/cli/command_lines.hpp"

namespace signalbox::cli {
namespace {

using testing::parse;
using testing::usage_error;

}  // namespace

TEST_CASE("sim arguments: a slip of a subcommand is no scenario", "[cli][arguments]") {
  CHECK(usage_error({"sim", "compre", "night.yaml"}) ==
        "no command \"compre\"; did you mean compare?");
  CHECK(usage_error({"sim", "shrnk", "x.yaml", "--out", "y.yaml"}) ==
        "no command \"shrnk\"; did you mean shrink?");
  CHECK(usage_error({"sim", "night.yaml", "day.yaml"}) == "unexpected argument \"day.yaml\"");
  CHECK_THAT(usage_error({"sim", "night.yaml", "--polcy", "strict"}),
             Catch::Contains("did you mean --policy?"));
  // A file may have such a name; that it has not, the command finds out.
  CHECK(std::get<SimOptions>(parse({"sim", "fuz"})).meant == "fuzz");
  CHECK(std::get<SimOptions>(parse({"sim", "night.yaml"})).meant.empty());
}

TEST_CASE("sim arguments: seeds are whole numbers", "[cli][arguments]") {
  CHECK_THAT(usage_error({"sim", "night.yaml", "--seed", "-1"}),
             Catch::Contains("\"-1\" is no whole number"));
  CHECK_THAT(usage_error({"sim", "night.yaml", "--seed", "0x10"}),
             Catch::Contains("no whole number"));
  CHECK_THAT(usage_error({"sim", "shrink", "--seed", "-7", "--out", "x.yaml"}),
             Catch::Contains("no whole number"));
  CHECK_THAT(usage_error({"sim", "fuzz", "--seeds", "-1"}), Catch::Contains("neither a number"));
  const auto largest = parse({"sim", "night.yaml", "--seed", "18446744073709551615"});
  CHECK(std::get<SimOptions>(largest).seed == UINT64_MAX);
}

TEST_CASE("sim arguments: how long a seed may take", "[cli][arguments]") {
  CHECK(std::get<FuzzOptions>(parse({"sim", "fuzz"})).patience_s == 60);
  CHECK(std::get<FuzzOptions>(parse({"sim", "fuzz", "--patience", "5"})).patience_s == 5);
  CHECK_THAT(usage_error({"sim", "fuzz", "--patience", "0"}), Catch::Contains("--patience"));
}

}  // namespace signalbox::cli
