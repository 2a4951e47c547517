// Goal: simulated servers load models and share their time as their specs say. Method: runs of a
// few calls whose ends are plain.
#include <catch2/catch.hpp>

#include "core/base/token_usage.hpp"
#include "simulations/scenario/scenario_reader.hpp"
#include "simulations/world/call_script.hpp"
#include "simulations/world/server_work.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

sim::Scenario read(const std::string& backend, const std::string& clients, int slots) {
  const auto file = sim::read_scenario(
      "version: 1\nprofiles: {line: {max_concurrent: " + std::to_string(slots) +
          ", default_queue_wait_s: 600}}\nbackends:\n  - " + backend + "\nclients:\n" + clients,
      "s.yaml");
  for (const auto& violation : file.violations) FAIL(config::to_string(violation));
  return file.scenario;
}

/// `tasks` calls, the first at `start_s`, then one every `every_s`.
std::string client(const std::string& name, const std::string& model, const std::string& start_s,
                   const std::string& every_s, int tasks) {
  return "  - {name: " + name + ", class: workflow, profile: line, model: " + model +
         ", start_s: " + start_s + ", tasks: " + std::to_string(tasks) +
         ", arrival: {law: constant, every_s: " + every_s + "}}\n";
}

}  // namespace

TEST_CASE("server: another model than the one before takes longer", "[simulations][server]") {
  const std::string gpu =
      "{name: gpu, models: [a, b], swap_s: 4, service: {law: const, value_s: 2}}";
  // In the order a, b, a, a: loads for the first three.
  const auto figures =
      run_scenario(read(gpu,
                        client("x", "a", "0", "20", 2) + client("y", "b", "10", "1", 1) +
                            client("z", "a", "30", "1", 1),
                        1),
                   {});
  CHECK(figures.swaps == 3);
  CHECK(figures.length == 32s);
  CHECK(figures.profiles.front().busy_integral == Duration{4 * 2s + 3 * 4s}.count());
}

TEST_CASE("server: calls at once slow each other down, and one that leaves frees the others",
          "[simulations][server]") {
  const std::string server =
      "{name: server, capacity: 2, service: {law: const, value_s: 10}, slowdown: {per_call: 0.5}}";
  // From 4 s on the first has 6 s of work left, which take 9 s; then the second has 4 s left.
  const auto figures = run_scenario(
      read(server, client("x", "server", "0", "1", 1) + client("y", "server", "4", "1", 1), 2), {});
  CHECK(figures.classes[to_index(Priority::workflow)].done == 2);
  CHECK(figures.length == 17s);
}

TEST_CASE("server: a call over its budget leaves a batching server", "[simulations][server]") {
  sim::Scenario scenario = read(
      "{name: server, capacity: 2, service: {law: const, value_s: 10}, slowdown: {per_call: 0.5}}",
      client("x", "server", "0", "1", 1) + client("y", "server", "0", "1", 1), 2);
  scenario.clients[1].inference = 3s;
  const auto figures = run_scenario(scenario, {});
  const auto& calls = figures.classes[to_index(Priority::workflow)];
  CHECK(calls.done == 1);
  CHECK(calls.run_timeouts == 1);
  // After 3 s at two thirds of the speed 8 s are left.
  CHECK(figures.length == 11s);
}

TEST_CASE("server: an answer's body says its tokens, a stream's does not",
          "[simulations][server]") {
  const sim::CallSize size{.tokens_in = 12, .tokens_out = 345};
  const auto said = [&](bool streaming) {
    auto playback = sim::script_call(1s, size, streaming, nullptr);
    sim::say_usage(playback, size.tokens_in, size.tokens_out);
    return std::get<BackendFinished>(playback.steps.back().event).body;
  };
  CHECK(said(true) == nullptr);
  REQUIRE(said(false) != nullptr);
  CHECK(read_token_usage(*said(false)) == TokenUsage{12, 345});
}

TEST_CASE("server: what its faults do to calls, they do beside others too",
          "[simulations][server]") {
  sim::Scenario scenario = read(
      "{name: server, capacity: 2, service: {law: const, value_s: 10}, slowdown: {per_call: 0.5}}",
      client("x", "server", "0", "1", 1) + client("y", "server", "4", "1", 1), 2);
  scenario.faults = {
      {.kind = sim::FaultKind::cut, .target = "server", .at = 4s, .lasts = 1s, .amount = 50}};
  const auto figures = run_scenario(scenario, {});
  const auto& calls = figures.classes[to_index(Priority::workflow)];
  // The second breaks after 5 s of work, which take 7.5 s; the first has 1 s left then.
  CHECK(calls.done + calls.failed == 2);
  CHECK(calls.done >= 1);
  CHECK(figures.faults[static_cast<std::size_t>(sim::FaultKind::cut)] >= 1);
}

}  // namespace signalbox::testing
