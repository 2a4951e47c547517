// Goal: whatever a seed does, the campaign hears of it and goes on, and it ends when it is told to.
// Method: seeds that tell, that break, that die and that never end.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>

#include "cli/sim/seed_workers.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;

struct Heard {
  std::set<std::uint64_t> seeds;
  std::map<std::uint64_t, sim::SeedFailure> failures;
  SeedsEnd end;
};

Heard hear(const SeedOrder& order) {
  Heard heard;
  SeedListener listener;
  listener.figures = [&](const sim::SeedFigures& figures) { heard.seeds.insert(figures.seed); };
  listener.failure = [&](const sim::SeedFailure& failure) {
    heard.failures[failure.seed] = failure;
  };
  heard.end = run_seeds(order, listener);
  return heard;
}

sim::SeedRun sound(std::uint64_t seed) {
  sim::SeedRun run;
  run.figures.seed = seed;
  run.figures.trace_hash = 100 + seed;
  return run;
}

[[noreturn]] void hang() {
  while (true) pause();
}

}  // namespace

TEST_CASE("seed workers: every seed is run once, by any number of processes",
          "[cli][seed_workers]") {
  for (const std::uint32_t jobs : {1U, 3U, 20U}) {
    SeedOrder order;
    order.seeds = {5, 14};
    order.jobs = jobs;
    order.run = sound;
    const Heard heard = hear(order);
    CHECK(heard.seeds == std::set<std::uint64_t>{5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
    CHECK(heard.failures.empty());
    CHECK(heard.end.error.empty());
    CHECK_FALSE(heard.end.is_stopped);
  }
}

TEST_CASE("seed workers: what a seed does to its process is told, and the rest goes on",
          "[cli][seed_workers]") {
  SeedOrder order;
  order.seeds = {1, 12};
  order.jobs = 2;
  order.patience = 300ms;
  order.run = [](std::uint64_t seed) {
    sim::SeedRun run = sound(seed);
    if (seed == 3) run.violation = sim::Violation{9, 1500ms, "too late"};
    // Not for the test program to report.
    std::signal(SIGABRT, SIG_DFL);
    if (seed == 5) std::abort();
    if (seed == 6) _exit(7);
    if (seed == 8 || seed == 12) hang();
    return run;
  };
  const Heard heard = hear(order);
  CHECK(heard.seeds == std::set<std::uint64_t>{1, 2, 3, 4, 7, 9, 10, 11});
  REQUIRE(heard.failures.size() == 5);
  CHECK(heard.failures.at(3).what == "I9 at 1.500000 s: too late");
  CHECK(heard.failures.at(3).trace_hash == 103);
  CHECK(heard.failures.at(5).what == "the process died of it, signal 6");
  CHECK(heard.failures.at(6).what == "the process died of it, exit code 7");
  CHECK(heard.failures.at(8).what == "it never ends: no result after 0.3 s");
  CHECK(heard.failures.at(12).what == "it never ends: no result after 0.3 s");
  CHECK_FALSE(heard.failures.at(8).trace_hash);
  CHECK_FALSE(heard.end.is_stopped);
}

TEST_CASE("seed workers: a seed's time begins with it", "[cli][seed_workers]") {
  SeedOrder order;
  order.seeds = {1, 8};
  order.patience = 400ms;
  order.run = [](std::uint64_t seed) {
    usleep(100'000);
    return sound(seed);
  };
  const Heard heard = hear(order);
  CHECK(heard.seeds.size() == 8);
  CHECK(heard.failures.empty());
}

TEST_CASE("seed workers: they stop when they are told to", "[cli][seed_workers]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  SeedOrder order;
  order.seeds = {1, 1'000'000};
  order.jobs = 2;
  order.patience = 1h;
  order.stop_file = ends[0];
  order.run = [](std::uint64_t seed) {
    if (seed == 2) hang();
    return sound(seed);
  };
  std::uint64_t seeds = 0;
  SeedListener listener;
  listener.figures = [&](const sim::SeedFigures&) {
    if (++seeds == 3) REQUIRE(write(ends[1], "x", 1) == 1);
  };
  listener.failure = [](const sim::SeedFailure& failure) { FAIL(failure.what); };
  const SeedsEnd end = run_seeds(order, listener);
  CHECK(end.is_stopped);
  CHECK(end.error.empty());
  CHECK(seeds >= 3);
  CHECK(seeds < 1'000'000);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace signalbox::cli
