// Goal: a profile stands in the directory's line only for those who wait, and what comes for others
// all the same does no harm. Method: one case per promise; the exhaustive search has the rest.
#include <catch2/catch.hpp>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using enum Priority;

ProfileSettings settings_with(std::uint32_t slots) {
  ProfileSettings settings;
  settings.max_concurrent = slots;
  return settings;
}

void wait_for_a(ProfileScheduler& scheduler, std::uint64_t number, Priority priority,
                const std::string& session = {}) {
  WaiterRequest request;
  request.id = task_id(number);
  request.priority = priority;
  request.target = "a";
  REQUIRE_FALSE(scheduler.reserve(request, at_s(0), session));
  scheduler.enqueue(request.id);
}

}  // namespace

TEST_CASE("profile_scheduler: a question that nobody waits for any more is withdrawn, once",
          "[core][profile_scheduler]") {
  using Names = std::vector<std::string>;
  ProfileScheduler scheduler{"p", settings_with(1)};
  wait_for_a(scheduler, 1, workflow);
  REQUIRE(scheduler.asks(at_s(0)).size() == 1);
  scheduler.lease_parked("a", true);
  wait_for_a(scheduler, 2, workflow);
  scheduler.remove(task_id(1), at_s(1));
  CHECK(scheduler.withdrawals().empty());
  scheduler.remove(task_id(2), at_s(1));
  CHECK(scheduler.withdrawals() == Names{"a"});
  CHECK(scheduler.withdrawals().empty());
  // The next one asks anew. While its answer is open it is not known where the question stands.
  wait_for_a(scheduler, 3, background);
  CHECK(scheduler.asks(at_s(2)).size() == 1);
  scheduler.remove(task_id(3), at_s(2));
  CHECK(scheduler.withdrawals().empty());
  scheduler.lease_parked("a", false);
  CHECK(scheduler.withdrawals() == Names{"a"});
}

TEST_CASE("profile_scheduler: a target that was refused leaves the line with its last waiter",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(1)};
  WaiterRequest backlog;
  backlog.id = task_id(1);
  backlog.target = "a";
  backlog.counted = false;
  scheduler.restore(backlog, at_s(0));
  wait_for_a(scheduler, 2, workflow);
  REQUIRE(scheduler.asks(at_s(0)).size() == 1);
  scheduler.lease_parked("a", false);
  CHECK(scheduler.lease_refused("a", at_s(60), at_s(1)) == std::vector{task_id(2)});
  CHECK(scheduler.withdrawals().empty());
  CHECK(scheduler.next_deadline() == at_s(60));
  scheduler.remove(task_id(1), at_s(2));
  CHECK(scheduler.withdrawals() == std::vector<std::string>{"a"});
  CHECK_FALSE(scheduler.next_deadline());
}

TEST_CASE("profile_scheduler: a session's lease from before a withdrawal serves no lesser class",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(2)};
  wait_for_a(scheduler, 1, background, "old");
  REQUIRE(scheduler.asks(at_s(0)).size() == 1);
  scheduler.lease_parked("a", true);
  scheduler.remove(task_id(1), at_s(1));
  REQUIRE(scheduler.withdrawals().size() == 1);
  wait_for_a(scheduler, 2, background, "old");
  wait_for_a(scheduler, 3, interactive, "new");
  REQUIRE(scheduler.asks(at_s(1)).size() == 1);
  Lease late;
  late.llm = "llm";
  late.number = 1;
  late.session = "old";
  scheduler.lease_granted("a", late);
  std::vector<Lease> unused;
  CHECK(scheduler.asks(at_s(1)).size() == 1);
  CHECK(scheduler.settle(at_s(1), unused).empty());
  CHECK(unused == std::vector{late});
}

}  // namespace signalbox::test
