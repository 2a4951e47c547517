// Goal: what is written is read as just what it was, whatever it was. Method: many random scenarios
// that use every key, and the files that are there; every time to the nanosecond.
#include <catch2/catch.hpp>

#include "simulations/lab/builtin_experiments.hpp"
#include "simulations/scenario/scenario_reader.hpp"
#include "simulations/scenario/scenario_writer.hpp"
#include "simulations/scenario/yaml_text.hpp"
#include "tests/simulations/random_scenario.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

void require_same_again(const sim::Scenario& scenario) {
  const std::string text = sim::write_scenario(scenario);
  INFO(text);
  const auto read = sim::read_scenario(text, scenario.name + ".yaml");
  for (const auto& violation : read.violations) FAIL_CHECK(config::to_string(violation));
  REQUIRE(read.scenario == scenario);
  REQUIRE(sim::write_scenario(read.scenario) == text);
}

}  // namespace

TEST_CASE("scenario writer: what is written is read as it was", "[simulations][scenario]") {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    CAPTURE(seed);
    require_same_again(draw_any_scenario(seed));
  }
}

TEST_CASE("scenario writer: examples survive it", "[simulations][scenario]") {
  for (const char* name : {"one_slot", "three_classes", "night_batch"}) {
    require_same_again(load_example(name));
  }
  for (const auto& [path, text] : sim::builtin_files()) {
    if (path.ends_with("/experiment.yaml")) continue;
    require_same_again(read_whole_scenario(std::string{text}, std::string{path}));
  }
}

TEST_CASE("scenario writer: the defaults are left out", "[simulations][scenario]") {
  sim::Scenario scenario;
  scenario.tasks = 3;
  scenario.profiles["line"].max_concurrent = 2;
  scenario.backends.push_back({"server", {}, {}, {}, {{sim::LawKind::constant, 1'500'000'000}}});
  sim::ClientSpec client;
  client.name = client.owner = "chat";
  client.profile = "line";
  client.target = "server";
  client.arrival = {sim::ArrivalKind::constant, 250ms};
  scenario.clients.push_back(client);
  CHECK(sim::write_scenario(scenario) == R"(version: 1
tasks: 3

profiles:
  line: {max_concurrent: 2}

backends:
  - name: server
    service: {law: const, value_s: 1.5}

clients:
  - name: chat
    class: workflow
    profile: line
    model: server
    arrival: {law: constant, every_s: 0.25}
)");
}

TEST_CASE("yaml text: times keep every nanosecond, texts their marks", "[simulations][scenario]") {
  CHECK(sim::seconds_text(0ns) == "0");
  CHECK(sim::seconds_text(1ns) == "0.000000001");
  CHECK(sim::seconds_text(1'000'000'010ns) == "1.00000001");
  CHECK(sim::seconds_text(290ms) == "0.29");
  CHECK(sim::seconds_text(86'400s) == "86400");
  CHECK(sim::number_text(0.1) == "0.1");
  CHECK(sim::value_text("server") == "server");
  CHECK(sim::value_text("local:server") == "\"local:server\"");
  CHECK(sim::value_text("null") == "\"null\"");
  CHECK(sim::value_text("7") == "\"7\"");
  CHECK(sim::value_text("a\"\\\n") == "\"a\\\"\\\\\\x0a\"");
  CHECK(sim::FlowMap{}.add("a", 1).add("b", "c").text() == "{a: 1, b: c}");
}

}  // namespace signalbox::testing
