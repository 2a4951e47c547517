// Goal: an interactive call without a slot takes one from a background task that can be of use, no
// more often than allowed, and nobody else takes what was given up for it. Method: one case per
// rule.
#include <catch2/catch.hpp>

#include "tests/core/preemption_desk.hpp"

namespace signalbox::test {
namespace {

using enum Priority;
using Ids = std::vector<TaskId>;
using std::chrono::seconds;

}  // namespace

TEST_CASE("preempt: a background task gives its slot to an interactive call and comes back first",
          "[core][preempt]") {
  Desk desk{preempting(1)};
  desk.serve("a", {{"g", 1}});
  desk.submit(1, background, "a");
  desk.submit(2, background, "a");
  desk.submit(3, workflow, "a");
  CHECK(desk.told.empty());
  desk.submit(4, interactive, "a");
  CHECK(desk.told == Ids{task_id(1)});
  CHECK(desk.runs(1));
  desk.confirm(1);
  CHECK(desk.runs(4));
  CHECK(desk.scheduler.occupancy().preempted_total == 1);
  desk.finish(4);
  CHECK(desk.runs(3));
  desk.finish(3);
  CHECK(desk.runs(1));
}

TEST_CASE("preempt: is off unless it is asked for, and from then on", "[core][preempt]") {
  ProfileSettings settings = preempting(1);
  settings.preempt = Preempt::none;
  Desk desk{settings};
  desk.serve("a", {{"g", 1}});
  desk.submit(1, background, "a");
  desk.submit(2, interactive, "a");
  CHECK(desk.told.empty());
  // What runs already is left alone.
  desk.scheduler.reconfigure(preempting(1));
  desk.pump();
  CHECK(desk.told.empty());
  desk.finish(1);
  desk.finish(2);
  desk.submit(3, background, "a");
  desk.submit(4, interactive, "a");
  CHECK(desk.told == Ids{task_id(3)});
  // One that is on its way goes, though it is off again.
  desk.scheduler.reconfigure(settings);
  desk.confirm(3);
  CHECK(desk.runs(4));
}

TEST_CASE("preempt: the last granted loses the least, and no more go than there are waiters",
          "[core][preempt]") {
  Desk desk{preempting(3)};
  desk.serve("a", {{"g", 3}});
  for (std::uint64_t number = 1; number <= 3; ++number) desk.submit(number, background, "a");
  desk.submit(4, interactive, "a");
  CHECK(desk.told == Ids{task_id(3)});
  desk.pump();
  CHECK(desk.told.size() == 1);
  desk.submit(5, interactive, "a");
  CHECK(desk.told == Ids{task_id(3), task_id(2)});
  desk.confirm(2);
  CHECK(desk.runs(4));
  CHECK_FALSE(desk.runs(5));
  CHECK(desk.told == Ids{task_id(3)});
  desk.confirm(3);
  CHECK(desk.runs(5));
  CHECK(desk.runs(1));
}

TEST_CASE("preempt: only background tasks are sent back, and no slot of an app's own",
          "[core][preempt]") {
  Desk desk{preempting(2)};
  desk.serve("a", {{"g", 2}});
  desk.submit(1, workflow, "a");
  desk.submit(2, background, "");
  desk.submit(3, interactive, "a");
  CHECK(desk.told.empty());
  desk.finish(1);
  CHECK(desk.runs(3));
}

TEST_CASE("preempt: a slot of an app's own takes one from any background task", "[core][preempt]") {
  Desk desk{preempting(1)};
  desk.serve("a", {{"g", 1}});
  desk.submit(1, background, "a");
  desk.submit(2, interactive, "");
  CHECK(desk.told == Ids{task_id(1)});
  desk.confirm(1);
  CHECK(desk.runs(2));
}

TEST_CASE("preempt: a task that has used up its budget runs to its end", "[core][preempt]") {
  Desk desk{preempting(1, 2)};
  desk.serve("a", {{"g", 1}});
  desk.submit(1, background, "a");
  for (std::uint64_t number = 2; number <= 3; ++number) {
    desk.submit(number, interactive, "a");
    REQUIRE(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    desk.finish(number);
    REQUIRE(desk.runs(1));
  }
  desk.submit(4, interactive, "a");
  CHECK(desk.told.empty());
  desk.finish(1);
  CHECK(desk.runs(4));
}

TEST_CASE("preempt: a budget of 0 protects all, a loss of its worker does not use it",
          "[core][preempt]") {
  Desk none{preempting(1, 0)};
  none.serve("a", {{"g", 1}});
  none.submit(1, background, "a");
  none.submit(2, interactive, "a");
  CHECK(none.told.empty());

  ProfileScheduler scheduler{"p", preempting(1, 1)};
  scheduler.set_capacity("a", {{"g", 1}});
  WaiterRequest request;
  request.id = task_id(1);
  request.priority = background;
  request.target = "a";
  scheduler.restore(request, at_s(1));
  scheduler.set_preemptions(task_id(1), 0);
  std::vector<Lease> unused;
  Lease lease;
  lease.llm = "llm";
  lease.group = "g";
  for (int loss = 0; loss < 3; ++loss) {
    REQUIRE(scheduler.asks(at_s(1)).size() == 1);
    scheduler.lease_granted("a", lease);
    REQUIRE(scheduler.settle(at_s(1), unused).size() == 1);
    if (loss < 2) scheduler.requeue(task_id(1), Duration::zero(), at_s(2));
  }
  request.id = task_id(2);
  request.priority = interactive;
  scheduler.reserve(request, at_s(3));
  scheduler.enqueue(task_id(2));
  CHECK(scheduler.preempt() == Ids{task_id(1)});
}

TEST_CASE("preempt: a restored task is not sent back before its count is known",
          "[core][preempt]") {
  Desk desk{preempting(1, 2)};
  desk.serve("a", {{"g", 1}});
  desk.restore(1, "a");
  desk.submit(2, interactive, "a");
  CHECK(desk.told.empty());
  SECTION("it has something left") {
    desk.scheduler.set_preemptions(task_id(1), 1);
    desk.pump();
    CHECK(desk.told == Ids{task_id(1)});
  }
  SECTION("it has nothing left") {
    desk.scheduler.set_preemptions(task_id(1), 2);
    desk.pump();
    CHECK(desk.told.empty());
  }
}

TEST_CASE("preempt: the victim's backend must be one that the waiter can use", "[core][preempt]") {
  SECTION("another target's, where backends are what is missing") {
    Desk desk{preempting(4)};
    desk.serve("a", {{"g", 1}});
    desk.serve("b", {{"h", 1}});
    desk.submit(1, workflow, "a");
    desk.submit(2, background, "b");
    desk.submit(3, interactive, "a");
    CHECK(desk.told.empty());
  }
  SECTION("the same backend under another target") {
    Desk desk{preempting(4)};
    desk.serve("a", {{"g", 1}});
    desk.serve("b", {{"g", 1}, {"h", 1}});
    desk.submit(1, background, "b");
    desk.submit(2, interactive, "a");
    CHECK(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(2));
    // Its target has another backend.
    CHECK(desk.runs(1));
  }
  SECTION("anywhere, where only slots are missing") {
    Desk desk{preempting(1)};
    desk.serve("a", {{"g", 1}});
    desk.serve("b", {{"h", 1}});
    desk.submit(1, background, "b");
    desk.submit(2, interactive, "a");
    CHECK(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(2));
  }
  SECTION("where the waiter's backend is full of calls that stay, no slot helps") {
    Desk desk{preempting(2)};
    desk.serve("a", {{"g", 1}});
    desk.serve("b", {{"h", 1}});
    desk.submit(1, workflow, "a");
    desk.submit(2, background, "b");
    desk.submit(3, interactive, "a");
    CHECK(desk.told.empty());
  }
  SECTION("its own backend before another that was granted later") {
    Desk desk{preempting(2)};
    desk.serve("a", {{"g", 1}});
    desk.serve("b", {{"h", 1}});
    desk.submit(1, background, "a");
    desk.submit(2, background, "b");
    desk.submit(3, interactive, "a");
    CHECK(desk.told == Ids{task_id(1)});
  }
}

TEST_CASE("preempt: nobody but an interactive call takes what was given up for one",
          "[core][preempt]") {
  SECTION("however long the others have waited") {
    Desk desk{preempting(1, 2, "aging")};
    desk.serve("a", {{"g", 1}});
    desk.submit(1, background, "a");
    desk.submit(2, workflow, "a");
    desk.now = at_s(1'000'000);
    desk.submit(3, interactive, "a");
    REQUIRE(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(3));
  }
  SECTION("even when a trickle is due") {
    ProfileSettings settings = preempting(1);
    settings.policy_options.background_trickle = 1;
    Desk desk{settings};
    desk.serve("a", {{"g", 1}});
    desk.submit(1, background, "a");
    desk.submit(2, background, "a");
    desk.submit(3, interactive, "a");
    REQUIRE(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(3));
  }
  SECTION("unless it has gone meanwhile") {
    Desk desk{preempting(1)};
    desk.serve("a", {{"g", 1}});
    desk.submit(1, background, "a");
    desk.submit(2, interactive, "a");
    desk.hang_up(2);
    desk.confirm(1);
    CHECK(desk.runs(1));
  }
  SECTION("or another profile was faster to its backend") {
    Desk desk{preempting(1)};
    desk.serve("a", {{"g", 1}});
    desk.serve("b", {{"h", 1}});
    desk.take_room("g", 1);
    desk.submit(1, background, "b");
    desk.submit(2, interactive, "a");
    REQUIRE(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(1));
    // It is known now that a slot alone does not help.
    CHECK(desk.told.empty());
    // When there is room, the slot is taken once more.
    desk.give_room("g", 1);
    REQUIRE(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(2));
  }
}

TEST_CASE("preempt: a victim that ends at the same instant, is kept, or whose slot was not needed",
          "[core][preempt]") {
  Desk desk{preempting(2)};
  desk.serve("a", {{"g", 2}});
  desk.submit(1, background, "a");
  desk.submit(2, background, "a");
  desk.submit(3, interactive, "a");
  REQUIRE(desk.told == Ids{task_id(2)});
  SECTION("it completes") {
    desk.finish(2);
    CHECK(desk.runs(3));
    CHECK(desk.told.empty());
    CHECK(desk.scheduler.occupancy().preempted_total == 0);
  }
  SECTION("its caller has seen a part: the next goes, and it is not asked again") {
    desk.keep(2);
    CHECK(desk.told == Ids{task_id(1)});
    desk.submit(4, interactive, "a");
    CHECK(desk.told == Ids{task_id(1)});
    desk.confirm(1);
    CHECK(desk.runs(3));
    CHECK(desk.runs(2));
  }
  SECTION("another call ended first") {
    desk.finish(1);
    CHECK(desk.runs(3));
    desk.confirm(2);
    CHECK(desk.runs(2));
  }
}

TEST_CASE("preempt: a call that was told to stop has no inference budget, one that is kept has",
          "[core][preempt]") {
  Desk desk{preempting(1)};
  desk.serve("a", {{"g", 1}});
  desk.submit(1, background, "a");
  CHECK(desk.scheduler.next_deadline() == at_s(101));
  desk.submit(2, interactive, "a");
  CHECK(desk.scheduler.is_yielding(task_id(1)));
  CHECK_FALSE(desk.scheduler.next_deadline());
  // Its actor comes late, and says what it may take.
  desk.scheduler.set_inference(task_id(1), seconds{50});
  CHECK_FALSE(desk.scheduler.next_deadline());
  desk.keep(1);
  CHECK(desk.scheduler.next_deadline() == at_s(51));
  CHECK_FALSE(desk.scheduler.is_yielding(task_id(1)));
}

TEST_CASE("preempt: a profile with more calls than slots drains first", "[core][preempt]") {
  Desk desk{preempting(3)};
  desk.serve("a", {{"g", 3}});
  for (std::uint64_t number = 1; number <= 3; ++number) desk.submit(number, background, "a");
  desk.scheduler.reconfigure(preempting(2));
  desk.submit(4, interactive, "a");
  CHECK(desk.told.empty());
  desk.finish(1);
  CHECK(desk.told == Ids{task_id(3)});
}

}  // namespace signalbox::test
