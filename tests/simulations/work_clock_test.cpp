// Goal: calls that share a server slow each other down by just what the law says, whoever comes and
// goes. Method: small cases worked out by hand, to the nanosecond.
#include <catch2/catch.hpp>

#include "simulations/scenario/work_clock.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

constexpr Instant begin{};

/// Half as long again for each other call.
constexpr sim::Slowdown half{500, 0, 0};

}  // namespace

TEST_CASE("slowdown: by the number of calls, and more beyond the knee", "[simulations][server]") {
  const sim::Slowdown slowdown{20, 500, 4};
  CHECK(slowdown.stretch(1) == 1000);
  CHECK(slowdown.stretch(2) == 1020);
  CHECK(slowdown.stretch(4) == 1060);
  CHECK(slowdown.stretch(6) == 1100 + 1000);
  CHECK(sim::Slowdown{}.is_none());
  CHECK_FALSE(slowdown.is_none());
}

TEST_CASE("work clock: alone a call takes its own time", "[simulations][server]") {
  sim::WorkClock<int> clock{half};
  CHECK_FALSE(clock.next_end());
  clock.start(1, 10s, begin + 5s);
  CHECK(clock.next_end() == begin + 15s);
  CHECK_FALSE(clock.take_done(begin + 15s - 1ns));
  CHECK(clock.take_done(begin + 15s) == 1);
  CHECK(clock.size() == 0);
  CHECK_FALSE(clock.take_done(begin + 20s));
}

TEST_CASE("work clock: who comes slows down who is there, and the other way round",
          "[simulations][server]") {
  sim::WorkClock<int> clock{half};
  clock.start(1, 10s, begin);
  clock.start(2, 10s, begin + 4s);
  // 6 s of work are left of the first, at two thirds of the speed.
  CHECK(clock.next_end() == begin + 13s);
  CHECK(clock.take_done(begin + 13s) == 1);
  // The second has done 6 s by then, and goes on alone.
  CHECK(clock.next_end() == begin + 17s);
  CHECK(clock.take_done(begin + 17s) == 2);
}

TEST_CASE("work clock: one that is told to stop slows down nobody", "[simulations][server]") {
  sim::WorkClock<int> clock{half};
  clock.start(1, 10s, begin);
  clock.start(2, 10s, begin);
  CHECK(clock.stop(2, begin + 3s));
  CHECK_FALSE(clock.stop(2, begin + 3s));
  CHECK(clock.next_end() == begin + 11s);
}

TEST_CASE("work clock: calls that end together do so in the order they came",
          "[simulations][server]") {
  sim::WorkClock<int> clock{half};
  for (const int call : {3, 1, 2}) clock.start(call, 6s, begin);
  CHECK(clock.next_end() == begin + 12s);
  for (const int call : {3, 1, 2}) CHECK(clock.take_done(begin + 12s) == call);
}

TEST_CASE("work clock: what does not divide evenly still ends", "[simulations][server]") {
  sim::WorkClock<int> clock{{7, 0, 0}};
  Instant now = begin;
  for (int call = 0; call < 50; ++call) clock.start(call, 1s + std::chrono::nanoseconds{call}, now);
  for (int done = 0; done < 50; ++done) {
    REQUIRE(clock.next_end());
    now = std::max(now, *clock.next_end());
    CHECK(clock.take_done(now) == done);
  }
}

}  // namespace signalbox::testing
