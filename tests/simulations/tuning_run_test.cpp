// Goal: through the daemon's own actors, a profile that tunes its slots comes to the number its
// server is best with, begins anew after a restart, breaks no rule on the way, and swaps that are
// held back happen when they should. Method: runs of a server whose best number is eight, with the
// invariants looking on; a few calls on a GPU, whose ends are plain.
#include <catch2/catch.hpp>

#include "simulations/campaign/campaign.hpp"
#include "simulations/world/run.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

sim::Scenario read(const std::string& text) {
  return read_whole_scenario("version: 1\n" + text);
}

/// More calls than it can take, on a server that takes eight best.
sim::Scenario busy_server(const std::string& slots, const std::string& more = "") {
  return read("tasks: 4000\nprofiles: {line: {" + slots +
              ", max_queued: 20, default_queue_wait_s: 30, default_inference_s: 600}}\n"
              "backends:\n"
              "  - {name: server, capacity: 64, reports_usage: true,\n"
              "     service: {law: linear, overhead_s: 0.1, per_token_out_s: 0.02},\n"
              "     slowdown: {per_call: 0.05, knee: 8, per_call_beyond: 0.4}}\n"
              "clients:\n"
              "  - {name: caller, class: workflow, profile: line, model: server,\n"
              "     tokens_out: {law: exp, mean: 200}, arrival: {law: poisson, rate_per_s: 2}}\n" +
              more);
}

/// @returns the slots at the end of a run in which no rule was broken.
std::uint32_t slots_after(const sim::Scenario& scenario, std::uint64_t seed) {
  sim::Invariants rules{scenario};
  const auto figures = sim::run(scenario, {.seed = seed, .checker = &rules});
  REQUIRE(figures.has_value());
  if (rules.violation()) FAIL(sim::print_violation(*rules.violation()));
  return figures->profiles.front().slots_at_end.value();
}

}  // namespace

TEST_CASE("tuning: a profile comes to the slots that its server is best with",
          "[simulations][slot_tuner]") {
  for (const char* start : {"1", "32"}) {
    const auto scenario =
        busy_server("max_concurrent: " + std::string{start} + ", tune_slots: {min: 1, max: 32}");
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const std::uint32_t slots = slots_after(scenario, seed);
      INFO("from " << start << ", seed " << seed << ": " << slots);
      CHECK(slots >= 7);
      CHECK(slots <= 9);
    }
  }
}

TEST_CASE("tuning: is the same in every run of a seed", "[simulations][slot_tuner]") {
  const auto scenario = busy_server("tune_slots: {min: 1, max: 32}");
  CHECK(run_scenario(scenario, {}).trace_hash == run_scenario(scenario, {}).trace_hash);
}

TEST_CASE("tuning: begins anew after a restart, and is paused like any other",
          "[simulations][slot_tuner]") {
  const auto crashed = busy_server("tune_slots: {min: 1, max: 32}",
                                   "faults:\n"
                                   "  - {kind: crash, at_s: 1000, lasts_s: 5, messages: 3}\n");
  const std::uint32_t slots = slots_after(crashed, 1);
  CHECK(slots >= 7);
  CHECK(slots <= 9);
  const auto paused =
      busy_server("max_concurrent: 4, tune_slots: {min: 1, max: 32}",
                  "faults:\n"
                  "  - {kind: slots, profile: line, at_s: 500, lasts_s: 60, slots: 0}\n");
  CHECK(slots_after(paused, 1) >= 7);
}

TEST_CASE("swap: one that is held back happens when its time is over or its batch is full",
          "[simulations][server]") {
  const auto client = [](const char* name, const char* model, const char* at_s) {
    return "  - {name: " + std::string{name} + ", class: workflow, profile: line, model: " + model +
           ", arrival: {law: calls, calls: [" + at_s + "]}}\n";
  };
  const auto scenario = read(
      "profiles: {line: {max_concurrent: 1, policy: swap, swap: {hold_s: 10, min_batch: 2}}}\n"
      "backends: [{name: gpu, models: [a, b], swap_s: 4, service: {law: const, value_s: 2}}]\n"
      "clients:\n" +
      client("x", "a", "{at_s: 0}, {at_s: 20}, {at_s: 120}, {at_s: 123}") +
      client("y", "b", "{at_s: 1}, {at_s: 100}"));
  const auto figures = run_scenario(scenario, {});
  CHECK(figures.swaps == 5);
  // Not held, since its server is not known yet; twice for all of 10 s; and of two that are a batch
  // the first for 3 s, the second behind it.
  CHECK(sim::to_us(figures.classes[to_index(Priority::workflow)].done_wait_sum) ==
        (5 + 10 + 10 + 3 + 6) * 1'000'000);
  CHECK(figures.length == 131s);
}

}  // namespace signalbox::testing
