// Goal: the house keeps its promises whatever goes wrong, and a campaign would notice if it did
// not. Method: a quick campaign over drawn scenarios. SIGNALBOX_FUZZ_SEEDS=A-B runs others.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "simulations/campaign.hpp"
#include "simulations/draw_scenario.hpp"

namespace signalbox::testing {
namespace {

constexpr std::uint64_t quick_seeds = 210;
constexpr std::uint64_t quick_tasks = 60;

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

TEST_CASE("campaign: a seed draws the same scenario each time", "[simulations][campaign]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CHECK(sim::draw_scenario(seed, 100) == sim::draw_scenario(seed, 100));
  }
  CHECK_FALSE(sim::draw_scenario(1, 100) == sim::draw_scenario(2, 100));
}

}  // namespace signalbox::testing
