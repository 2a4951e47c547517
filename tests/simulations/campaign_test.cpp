// Goal: the house keeps its promises whatever goes wrong, and a campaign would notice if it did
// not. Method: a quick campaign over drawn scenarios. SIGNALBOX_FUZZ_SEEDS=A-B runs others.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "simulations/campaign/campaign.hpp"
#include "simulations/campaign/draw_scenario.hpp"
#include "simulations/scenario/scenario_reader.hpp"
#include "simulations/scenario/scenario_writer.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t quick_seeds = 500;
constexpr std::uint64_t quick_tasks = 120;

}  // namespace

TEST_CASE("campaign: drawn scenarios keep every promise", "[simulations][campaign]") {
  std::uint64_t first = 1;
  std::uint64_t last = quick_seeds;
  std::uint64_t tasks = quick_tasks;
  if (const char* chosen = std::getenv("SIGNALBOX_FUZZ_SEEDS")) {
    const std::string span{chosen};
    first = std::stoull(span);
    last =
        span.find('-') == std::string::npos ? first : std::stoull(span.substr(span.find('-') + 1));
    tasks = 200;
    if (const char* count = std::getenv("SIGNALBOX_FUZZ_TASKS")) tasks = std::stoull(count);
  }
  sim::Campaign campaign{tasks};
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    INFO("seed " << seed);
    const sim::SeedRun run = sim::run_seed(seed, tasks);
    campaign.add(run.figures);
    if (run.violation) campaign.fail({seed, sim::print_violation(*run.violation)});
  }
  INFO(campaign.print());
  CHECK_FALSE(campaign.has_failed());
  if (std::getenv("SIGNALBOX_FUZZ_SEEDS") != nullptr) std::cout << campaign.print();
}

TEST_CASE("campaign: a failure is told with the command that repeats it",
          "[simulations][campaign]") {
  sim::Campaign campaign{60};
  sim::SeedFigures figures;
  figures.seed = 7;
  campaign.add(figures);
  CHECK_FALSE(campaign.has_failed());
  campaign.fail({7, sim::print_violation({3, 1'500'000us, "two in one slot"})});
  CHECK(campaign.has_failed());
  CHECK_THAT(campaign.print(), Catch::Contains("seed 7: I3 at 1.500000 s: two in one slot\n"
                                               "  signalbox sim fuzz --seeds 7 --tasks 60\n"));
}

TEST_CASE("campaign: a failure names the build and the trace", "[simulations][campaign]") {
  sim::Campaign campaign{60, "0.1.0 (caf4d4513)"};
  const sim::SeedFailure broken{7, "I3 at 1.500000 s: two in one slot", 0xABCDEF};
  CHECK(campaign.print(broken) ==
        "seed 7: I3 at 1.500000 s: two in one slot\n"
        "  signalbox sim fuzz --seeds 7 --tasks 60\n"
        "  signalbox 0.1.0 (caf4d4513), trace 0000000000abcdef\n");
  // Who died left no trace.
  CHECK_THAT(campaign.print({8, "it never ends", {}}), Catch::EndsWith("(caf4d4513)\n"));
  campaign.fail(broken);
  CHECK_THAT(campaign.print(), Catch::EndsWith("failures 1\n" + campaign.print(broken)));
}

TEST_CASE("campaign: one seed is told by what it met", "[simulations][campaign]") {
  sim::SeedFigures figures;
  figures.probes[static_cast<std::size_t>(sim::Probe::queue_full)] = 3;
  sim::Campaign campaign{60};
  campaign.add(figures);
  CHECK_THAT(campaign.print(), Catch::Contains("\nprobes\n           3  refused at the bound\n\n"));
  campaign.add(figures);
  CHECK_THAT(campaign.print(), Catch::Contains("           0  cancel raced dispatch\n"));
}

TEST_CASE("campaign: rare paths that are never taken are a failure", "[simulations][campaign]") {
  sim::Campaign campaign{60};
  sim::SeedFigures figures;
  figures.probes.fill(1);
  figures.probes[0] = 0;
  for (std::uint64_t seed = 1; seed <= sim::seeds_for_probes; ++seed) campaign.add(figures);
  CHECK_FALSE(campaign.has_failed());
  campaign.add(figures);
  CHECK(campaign.has_failed());
  CHECK_THAT(campaign.print(),
             Catch::Contains("never hit: timeout and completion at one instant\n"));
}

TEST_CASE("campaign: every scenario that is drawn can be written and read",
          "[simulations][campaign]") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    sim::Scenario drawn = sim::draw_scenario(seed, 50);
    const auto file = sim::read_scenario(sim::write_scenario(drawn), drawn.name + ".yaml");
    REQUIRE(file.violations.empty());
    CHECK(file.scenario == drawn);
  }
}

TEST_CASE("campaign: a seed draws the same scenario each time", "[simulations][campaign]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CHECK(sim::draw_scenario(seed, 100) == sim::draw_scenario(seed, 100));
  }
  CHECK_FALSE(sim::draw_scenario(1, 100) == sim::draw_scenario(2, 100));
}

}  // namespace signalbox::testing
