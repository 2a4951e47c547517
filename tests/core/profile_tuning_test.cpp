// Goal: a profile whose slots are tuned grants into the slots in force, admits at once when they
// become more, drains when they become fewer, and begins anew when it is told to. Method: a line
// that is never empty, on a server whose calls take as long as the test says.
#include <catch2/catch.hpp>
#include <functional>
#include <map>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {

namespace {

using namespace std::chrono_literals;

ProfileSettings tuned(SlotBounds bounds, std::optional<std::uint32_t> start = {}) {
  ProfileSettings settings;
  settings.max_concurrent = start;
  settings.max_queued = 100'000;
  settings.tune_slots = bounds;
  return settings;
}

/// Calls that ask for nothing but a slot.
class Line {
 public:
  explicit Line(ProfileSettings settings) : x_scheduler{"p", std::move(settings)} {}

  void submit(std::size_t calls) {
    for (std::size_t call = 0; call < calls; ++call) {
      WaiterRequest request;
      request.id = task_id(++x_next);
      REQUIRE_FALSE(x_scheduler.reserve(request, x_now));
      x_scheduler.enqueue(request.id);
    }
    pump();
  }
  /// The call that began first ends after `time`, with all that follows from it.
  void end_one(Duration time, std::uint32_t tokens = 100) {
    REQUIRE_FALSE(x_running.empty());
    x_now += time;
    const TaskId id = x_running.begin()->second;
    x_running.erase(x_running.begin());
    REQUIRE(x_scheduler.remove(id, x_now, {0U, tokens}, true));
    pump();
    CHECK(x_running.size() == x_scheduler.occupancy().in_flight);
  }
  /// Every call takes a second whatever runs beside it, and the line stays long.
  void serve(int ends) {
    for (int end = 0; end < ends; ++end) {
      if (x_scheduler.occupancy().waiting[1] < 50) submit(50);
      end_one(Duration{1s} / std::max<std::size_t>(x_running.size(), 1));
    }
  }

  /// Until it has so many slots.
  void serve_to(std::uint32_t slots) {
    for (int end = 0; end < 1000 && x_scheduler.slots() != slots; ++end) serve(1);
    REQUIRE(x_scheduler.slots() == slots);
  }

  ProfileScheduler& scheduler() { return x_scheduler; }
  [[nodiscard]] std::size_t running() const { return x_running.size(); }
  void pump() {
    std::vector<Grant> grants;
    do {
      x_scheduler.asks(x_now);
      std::vector<Lease> unused;
      grants = x_scheduler.settle(x_now, unused);
      for (const Grant& grant : grants) x_running.emplace(++x_grants, grant.id);
    } while (!grants.empty());
  }

 private:
  ProfileScheduler x_scheduler;
  Instant x_now{1s};
  std::uint64_t x_next = 0;
  std::uint64_t x_grants = 0;
  std::map<std::uint64_t, TaskId> x_running;
};

}  // namespace

TEST_CASE("profile tuning: begins with the fewest slots, or with those that are configured",
          "[core][slot_tuner]") {
  for (const auto& [settings, slots] :
       {std::pair{tuned({2, 16}), 2U}, std::pair{tuned({2, 16}, 5), 5U},
        std::pair{tuned({2, 16}, 1), 2U}, std::pair{tuned({2, 16}, 99), 16U}}) {
    Line line{settings};
    line.submit(50);
    CHECK(line.scheduler().slots() == slots);
    CHECK(line.running() == slots);
  }
}

TEST_CASE("profile tuning: slots that are added are taken at once, slots that are gone drain",
          "[core][slot_tuner]") {
  Line line{tuned({1, 16})};
  line.serve_to(16);
  CHECK(line.running() == 16);
  line.scheduler().reconfigure(tuned({1, 4}));
  line.pump();
  CHECK(line.scheduler().slots() == 1);
  CHECK(line.running() == 16);
  line.submit(50);
  for (std::size_t left = 15; left > 0; --left) {
    line.end_one(10ms);
    CHECK(line.running() == left);
  }
  line.end_one(10ms);
  CHECK(line.running() == 1);
}

TEST_CASE("profile tuning: goes on through changes that do not concern it", "[core][slot_tuner]") {
  Line line{tuned({1, 16})};
  line.serve_to(16);
  ProfileSettings settings = tuned({1, 16});
  settings.max_queued = 200'000;
  settings.policy = "fair";
  line.scheduler().reconfigure(settings);
  CHECK(line.scheduler().slots() == 16);
  settings.max_concurrent = 3;
  line.scheduler().reconfigure(settings);
  CHECK(line.scheduler().slots() == 3);
}

TEST_CASE("profile tuning: a pause is a pause, and its end a new beginning", "[core][slot_tuner]") {
  Line line{tuned({1, 16})};
  line.serve_to(16);
  line.scheduler().reconfigure(tuned({1, 16}, 0));
  line.submit(50);
  while (line.running() > 0) line.end_one(10ms);
  CHECK(line.scheduler().slots() == 0);
  line.scheduler().reconfigure(tuned({1, 16}, 2));
  line.pump();
  CHECK(line.running() == 2);
  line.serve_to(16);
}

TEST_CASE("profile tuning: turned off, it is the configured number again", "[core][slot_tuner]") {
  Line line{tuned({1, 16})};
  line.serve_to(16);
  ProfileSettings fixed = tuned({1, 16}, 4);
  fixed.tune_slots.reset();
  line.scheduler().reconfigure(fixed);
  CHECK(line.scheduler().slots() == 4);
  line.serve(300);
  CHECK(line.running() == 4);
}

}  // namespace signalbox::test
