// Goal: whatever clients and workers do, in whatever order the house's actors run, no acknowledged
// task is lost, none ends twice, nothing is left over. Method: random walks, each from one seed;
// messages are cut off in the middle, so that grants, results, cancels, binds and departures cross.
// SIGNALBOX_WALK_SEED=N walks one seed.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/simulations/house_walk.hpp"

namespace signalbox::testing {
namespace {

constexpr std::uint64_t seeds = 200;
constexpr int steps = 200;

/// What the walks have seen: a walk that reaches nothing proves nothing.
struct Seen {
  std::map<TaskState, int> ends;
  int losses = 0;
  int repeats = 0;

  void count(const HouseWalk& house_walk) {
    for (const auto& [id, row] : house_walk.rows()) {
      ++ends[row.state];
      losses += static_cast<int>(row.losses);
      repeats += row.attempts > 1 ? 1 : 0;
    }
  }
};

void walk(std::uint64_t seed, Seen& seen) {
  INFO("seed " << seed);
  HouseWalk house_walk{seed};
  for (int step = 0; step < steps; ++step) {
    INFO("step " << step);
    const std::string broken = house_walk.step();
    if (!broken.empty()) FAIL(broken << "\n" << house_walk.trace());
  }
  const std::string left = house_walk.finish();
  if (!left.empty()) FAIL("at the end: " << left << "\n" << house_walk.trace());
  seen.count(house_walk);
  SUCCEED();
}

}  // namespace

TEST_CASE("house: random walks keep every promise", "[simulations][walk]") {
  Seen seen;
  const char* chosen = std::getenv("SIGNALBOX_WALK_SEED");
  if (chosen != nullptr) return walk(std::stoull(chosen), seen);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) walk(seed, seen);
  CAPTURE(seen.losses, seen.repeats, seen.ends[TaskState::error]);
  CHECK(seen.ends[TaskState::completed] > 1000);
  CHECK(seen.ends[TaskState::cancelled] > 100);
  CHECK(seen.ends[TaskState::error] > 100);
  CHECK(seen.losses > 100);
  CHECK(seen.repeats > 100);
}

}  // namespace signalbox::testing
