// Goal: profiles and directory together keep sessions on their backends, hold nobody up for them,
// and lose neither a lease nor a waiter, whatever crosses on the way. Method: random walks of two
// profiles and four backends (session_world.cpp says what must hold), for each choice, with and
// without sessions. A failure prints the seed.
#include <catch2/catch.hpp>

#include "tests/core/session_world.hpp"

namespace signalbox::test {
namespace {

SessionWorldCounts walk(ChoiceKind choice, std::size_t sessions, std::uint64_t seeds) {
  SessionWorldCounts all;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SessionWorld world{seed, choice, sessions};
    for (int step = 0; step < 3000; ++step) {
      if (const std::string fault = world.step(); !fault.empty()) {
        FAIL(to_string(choice) << ", " << sessions << " sessions, seed " << seed << ", step "
                               << step << ": " << fault);
      }
    }
    if (const std::string fault = world.finish(); !fault.empty()) {
      FAIL(to_string(choice) << ", " << sessions << " sessions, seed " << seed
                             << ", in the end: " << fault);
    }
    const SessionWorldCounts& one = world.counts();
    all.grants += one.grants;
    all.kept += one.kept;
    all.moved += one.moved;
    all.overflowed += one.overflowed;
    all.cancels += one.cancels;
    all.unused += one.unused;
    all.broken += one.broken;
    all.waits_for_own += one.waits_for_own;
  }
  return all;
}

}  // namespace

TEST_CASE("sessions: affinity keeps each on its backend and holds nobody else up",
          "[core][sessions][random]") {
  for (const std::size_t sessions : {1U, 5U, 40U}) {
    const auto counts = walk(ChoiceKind::affinity, sessions, 60);
    INFO(sessions << " sessions: " << counts.grants << " grants, " << counts.kept << " kept, "
                  << counts.moved << " moved, " << counts.overflowed << " overflowed, "
                  << counts.unused << " unused, " << counts.broken << " broken, "
                  << counts.waits_for_own << " waits for its own");
    CHECK(counts.grants > 20'000);
    CHECK(counts.kept > 10'000);
    CHECK(counts.moved > 50);
    CHECK(counts.overflowed > 10);
    CHECK(counts.cancels > 1'000);
    CHECK(counts.waits_for_own > 100);
    CHECK(counts.broken > 1'000);
  }
}

TEST_CASE("sessions: where they do not count, and where nobody has one, order is as ever",
          "[core][sessions][random]") {
  for (const ChoiceKind choice : {ChoiceKind::first_match, ChoiceKind::round_robin,
                                  ChoiceKind::least_loaded, ChoiceKind::affinity}) {
    for (const std::size_t sessions : {0U, 12U}) {
      if (choice == ChoiceKind::affinity && sessions > 0) continue;
      const auto counts = walk(choice, sessions, 20);
      CAPTURE(to_string(choice), sessions);
      CHECK(counts.grants > 8'000);
    }
  }
}

}  // namespace signalbox::test
