// Goal: the options of a replay are what the command line says, and slips are told with the option
// that has them. Method: literal command lines.
#include <catch2/catch.hpp>

#include "cli/arguments.hpp"
#include "tests/cli/command_lines.hpp"

namespace signalbox::cli {
namespace {

using testing::parse;
using testing::usage_error;

}  // namespace

TEST_CASE("arguments: sim replay", "[cli][arguments]") {
  const auto options = std::get<ReplayOptions>(
      parse({"sim", "replay", "calls.jsonl", "--slots", "3", "--out", "/o"}));
  CHECK(options.file == "calls.jsonl");
  CHECK(options.slots == 3);
  CHECK(options.out == "/o");
  CHECK(std::get<ReplayOptions>(parse({"sim", "replay", "-"})).file == "-");
  CHECK_THAT(usage_error({"sim", "replay"}), Catch::Contains("FILE is required"));
  CHECK_THAT(usage_error({"sim", "replay", "-", "--policy", "lottery"}),
             Catch::StartsWith("--policy: "));
}

TEST_CASE("arguments: sim replay of a trace", "[cli][arguments]") {
  const auto options = std::get<ReplayOptions>(
      parse({"sim", "replay", "t.csv", "--slots", "28", "--service", "0.1,0.02", "--traffic", "2.5",
             "--columns", "time=at,tokens_out=out", "--time", "ms"}));
  REQUIRE(options.service);
  CHECK(*options.service ==
        sim::ServiceLaw{{sim::LawKind::constant, 100'000'000}, {}, std::chrono::milliseconds{20}});
  CHECK(options.traffic == 2'500);
  CHECK(options.columns == TraceColumns{"at", "", "out"});
  CHECK(options.time_unit == std::chrono::milliseconds{1});
  const auto plain = std::get<ReplayOptions>(parse({"sim", "replay", "calls.jsonl"}));
  CHECK(plain.traffic == 1'000);
  CHECK_FALSE(plain.service);
  CHECK_FALSE(plain.columns);
  CHECK_FALSE(plain.time_unit);
  const auto calendar = std::get<ReplayOptions>(
      parse({"sim", "replay", "t", "--time", "calendar", "--service", "0,0.000000001,0.5"}));
  CHECK(calendar.time_unit == Duration::zero());
  CHECK(calendar.service->per_token_in == std::chrono::milliseconds{500});
  CHECK(calendar.service->per_token_out == Duration{1});
  const auto refused = [](const std::string& option, const std::string& value) {
    return usage_error({"sim", "replay", "t.csv", option, value});
  };
  for (const char* service : {"0.1", "0.1,0.02,0,0", "0.1,61", "a,b", "-1,1", "0.1,"}) {
    CHECK_THAT(refused("--service", service), Catch::Contains("--service"));
  }
  for (const char* columns : {"tokens_in=in", "time=", "time=a,time=b", "a,b,c"}) {
    CHECK_THAT(refused("--columns", columns), Catch::Contains("--columns"));
  }
  CHECK_THAT(refused("--time", "days"), Catch::Contains("--time"));
  CHECK_THAT(refused("--traffic", "0"), Catch::Contains("--traffic"));
}

}  // namespace signalbox::cli
