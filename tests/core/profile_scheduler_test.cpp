// Goal: the parts of a profile that the small-model search leaves out: texts and numbers shown to
// callers, slots that follow the backends, set_inference, the named promises of mission A3, A4, A8,
// A10. Method: one case per promise.
#include "core/admission/profile_scheduler.hpp"

#include <catch2/catch.hpp>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using enum Priority;
using std::chrono::milliseconds;
using std::chrono::seconds;

ProfileSettings settings_with(std::optional<std::uint32_t> slots, std::uint32_t max_queued = 32) {
  ProfileSettings settings;
  settings.max_concurrent = slots;
  settings.max_queued = max_queued;
  return settings;
}

WaiterRequest request_of(std::uint64_t number, Priority priority = workflow,
                         std::string target = {}) {
  WaiterRequest request;
  request.id = task_id(number);
  request.priority = priority;
  request.target = std::move(target);
  return request;
}

std::vector<Grant> pump(ProfileScheduler& scheduler, Instant now) {
  std::vector<Grant> all;
  std::vector<Grant> some;
  std::vector<Lease> unused;
  do {
    scheduler.asks(now);
    some = scheduler.settle(now, unused);
    std::move(some.begin(), some.end(), std::back_inserter(all));
  } while (!some.empty());
  return all;
}

std::vector<Grant> submit(ProfileScheduler& scheduler, const WaiterRequest& request, Instant now) {
  REQUIRE_FALSE(scheduler.reserve(request, now));
  scheduler.enqueue(request.id);
  return pump(scheduler, now);
}

Lease lease_number(std::uint32_t number) {
  Lease lease;
  lease.llm = "llm";
  lease.number = number;
  return lease;
}

}  // namespace

TEST_CASE("profile_scheduler: submit beyond the bound returns queue_full and says why",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"chat", settings_with(1, 2)};
  CHECK(submit(scheduler, request_of(1), at_s(0)).size() == 1);
  submit(scheduler, request_of(2), at_s(0));
  submit(scheduler, request_of(3), at_s(0));
  const auto refused = scheduler.reserve(request_of(4), at_s(0));
  REQUIRE(refused);
  CHECK(refused->code == ErrorCode::queue_full);
  using Details = decltype(refused->details);
  CHECK(refused->details == Details{{"profile", std::string{"chat"}},
                                    {"priority", std::string{"workflow"}},
                                    {"max_queued", std::int64_t{2}}});
  CHECK(refused->retry_after_s > 0);
  CHECK_FALSE(refused->from_backend);
  // Each class has a queue of its own.
  CHECK_FALSE(scheduler.reserve(request_of(5, interactive), at_s(0)));
  CHECK_FALSE(scheduler.reserve(request_of(6, background), at_s(0)));
  CHECK(scheduler.occupancy().rejected_total == 1);
}

TEST_CASE("profile_scheduler: with max_queued 0 as many callers as free slots are taken, no more",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(2, 0)};
  CHECK_FALSE(scheduler.reserve(request_of(1), at_s(0)));
  CHECK_FALSE(scheduler.reserve(request_of(2), at_s(0)));
  CHECK(scheduler.reserve(request_of(3), at_s(0)));
  scheduler.enqueue(task_id(1));
  scheduler.enqueue(task_id(2));
  CHECK(pump(scheduler, at_s(0)).size() == 2);
  CHECK(scheduler.reserve(request_of(3), at_s(0)));
  CHECK(scheduler.remove(task_id(1), at_s(1)));
  CHECK_FALSE(scheduler.reserve(request_of(3), at_s(1)));
}

TEST_CASE("profile_scheduler: the backlog neither meets the bound nor fills it",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(0, 1)};
  for (std::uint64_t number = 1; number <= 10; ++number) {
    WaiterRequest request = request_of(number);
    request.counted = false;
    scheduler.restore(request, at_s(0));
  }
  CHECK(scheduler.occupancy().waiting[to_index(workflow)] == 10);
  CHECK_FALSE(scheduler.reserve(request_of(11), at_s(0)));
  CHECK(scheduler.reserve(request_of(12), at_s(0)));
}

TEST_CASE("profile_scheduler: an id that is already there is refused as a bug",
          "[core][profile_scheduler]") {
  CHECK_FALSE(survives([] {
    ProfileScheduler scheduler{"p", settings_with(1)};
    scheduler.reserve(request_of(1), at_s(0));
    scheduler.reserve(request_of(1), at_s(0));
  }));
}

TEST_CASE("profile_scheduler: unknown ids are ignored", "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(1)};
  scheduler.enqueue(task_id(1));
  scheduler.set_inference(task_id(1), seconds{1});
  CHECK_FALSE(scheduler.remove(task_id(1), at_s(0)));
  CHECK_FALSE(scheduler.position(task_id(1)));
  CHECK(pump(scheduler, at_s(0)).empty());
  CHECK_FALSE(scheduler.next_deadline());
}

TEST_CASE("profile_scheduler: raising from a pause admits all who fit at once, lowering drains",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(0)};
  for (std::uint64_t number = 1; number <= 5; ++number) {
    CHECK(submit(scheduler, request_of(number), at_s(0)).empty());
  }
  scheduler.reconfigure(settings_with(3));
  CHECK(pump(scheduler, at_s(1)).size() == 3);
  scheduler.reconfigure(settings_with(1));
  CHECK(scheduler.occupancy().in_flight == 3);
  scheduler.remove(task_id(1), at_s(2));
  CHECK(pump(scheduler, at_s(2)).empty());
  scheduler.remove(task_id(2), at_s(3));
  CHECK(pump(scheduler, at_s(3)).empty());
  scheduler.remove(task_id(3), at_s(4));
  const auto grants = pump(scheduler, at_s(4));
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].id == task_id(4));
  CHECK(grants[0].queue_wait == seconds{4});
}

TEST_CASE(
    "profile_scheduler: the queue budget runs from reserve, ends with the grant, and is exact",
    "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(1)};
  submit(scheduler, request_of(1), at_s(0));
  WaiterRequest request = request_of(2);
  request.queue_wait = milliseconds{1500};
  request.inference = milliseconds{2500};
  submit(scheduler, request, at_s(10));
  CHECK(scheduler.next_deadline() == at_s(10) + milliseconds{1500});
  CHECK(scheduler.expire(at_s(10) + milliseconds{1500} - Duration{1}).empty());
  CHECK(scheduler.position(request.id) == 1);
  scheduler.remove(task_id(1), at_s(11));
  CHECK(pump(scheduler, at_s(11)).size() == 1);
  CHECK(scheduler.next_deadline() == at_s(11) + milliseconds{2500});
  CHECK(scheduler.expire(at_s(11) + milliseconds{2500} - Duration{1}).empty());
  const auto expiries = scheduler.expire(at_s(11) + milliseconds{2500});
  REQUIRE(expiries.size() == 1);
  CHECK(expiries[0].id == request.id);
  CHECK(expiries[0].code == ErrorCode::inference_timeout);
  // It keeps its slot until its backend has let go, and is told once.
  CHECK(scheduler.occupancy().in_flight == 1);
  CHECK(scheduler.expire(at_s(999)).empty());
  CHECK_FALSE(scheduler.next_deadline());
}

TEST_CASE("profile_scheduler: one that is only reserved runs out of its queue budget too",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(0, 1)};
  WaiterRequest request = request_of(1);
  request.queue_wait = seconds{1};
  REQUIRE_FALSE(scheduler.reserve(request, at_s(0)));
  CHECK(scheduler.reserve(request_of(2), at_s(0)));
  const auto expiries = scheduler.expire(at_s(1));
  REQUIRE(expiries.size() == 1);
  CHECK(expiries[0].code == ErrorCode::queue_wait_timeout);
  CHECK_FALSE(scheduler.reserve(request_of(2), at_s(1)));
  scheduler.enqueue(request.id);
  CHECK(scheduler.occupancy().waiting[to_index(workflow)] == 0);
}

TEST_CASE("profile_scheduler: a budget of less than a millisecond is still a budget",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(1)};
  WaiterRequest request = request_of(1);
  request.inference = std::chrono::microseconds{500};
  submit(scheduler, request, at_s(0));
  CHECK(scheduler.next_deadline().has_value());
}

TEST_CASE("profile_scheduler: a budget set in the slot counts from the grant",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(1)};
  submit(scheduler, request_of(1), at_s(5));
  CHECK_FALSE(scheduler.next_deadline());
  scheduler.set_inference(task_id(1), seconds{10});
  CHECK(scheduler.next_deadline() == at_s(15));
  scheduler.set_inference(task_id(1), Duration::zero());
  CHECK(scheduler.next_deadline() == at_s(15));
  scheduler.set_inference(task_id(1), seconds{20});
  CHECK(scheduler.next_deadline() == at_s(25));
  CHECK(scheduler.expire(at_s(15)).empty());
  CHECK(scheduler.expire(at_s(25)).size() == 1);
}

TEST_CASE("profile_scheduler: a budget set while waiting holds from the grant on",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(0)};
  WaiterRequest request = request_of(1);
  request.queue_wait = seconds{60};
  submit(scheduler, request, at_s(0));
  scheduler.set_inference(task_id(1), seconds{3});
  CHECK(scheduler.next_deadline() == at_s(60));
  scheduler.reconfigure(settings_with(1));
  CHECK(pump(scheduler, at_s(7)).size() == 1);
  CHECK(scheduler.next_deadline() == at_s(10));
}

TEST_CASE("profile_scheduler: unset slots follow the backends, each capacity group counted once",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(std::nullopt)};
  CHECK(scheduler.slots() == 1);
  scheduler.set_capacity("a", {{"g1", 2}, {"g2", 3}});
  CHECK(scheduler.slots() == 5);
  scheduler.set_capacity("b", {{"g2", 3}, {"g3", 1}});
  CHECK(scheduler.slots() == 6);
  scheduler.set_capacity("a", {});
  CHECK(scheduler.slots() == 4);
  scheduler.set_capacity("b", {});
  CHECK(scheduler.slots() == 1);
  scheduler.set_capacity("a", {{"g1", 20'000}});
  CHECK(scheduler.slots() == max_concurrent_max);
  scheduler.reconfigure(settings_with(7));
  CHECK(scheduler.slots() == 7);
  scheduler.reconfigure(settings_with(0));
  CHECK(scheduler.slots() == 0);
}

TEST_CASE("profile_scheduler: a backend that appears admits at once", "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(std::nullopt)};
  for (std::uint64_t number = 1; number <= 3; ++number)
    submit(scheduler, request_of(number), at_s(0));
  CHECK(scheduler.occupancy().in_flight == 1);
  scheduler.set_capacity("a", {{"g", 3}});
  CHECK(pump(scheduler, at_s(0)).size() == 2);
}

TEST_CASE(
    "profile_scheduler: leases are asked for one at a time and with the best class that waits",
    "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(2)};
  scheduler.restore(request_of(1, background, "a"), at_s(0));
  scheduler.restore(request_of(2, workflow, "a"), at_s(0));
  auto asks = scheduler.asks(at_s(0));
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].target == "a");
  CHECK(asks[0].priority == workflow);
  CHECK(scheduler.asks(at_s(0)).empty());
  scheduler.lease_granted("a", lease_number(1));
  CHECK(scheduler.asks(at_s(0)).empty());
  std::vector<Lease> unused;
  const auto grants = scheduler.settle(at_s(0), unused);
  REQUIRE(grants.size() == 1);
  CHECK(grants[0].id == task_id(2));
  CHECK(grants[0].lease == lease_number(1));
  asks = scheduler.asks(at_s(0));
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].priority == background);
}

TEST_CASE("profile_scheduler: a lease that comes when nobody wants it any more is given back",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(1)};
  submit(scheduler, request_of(1, workflow, "a"), at_s(0));
  scheduler.lease_parked("a", true);
  scheduler.remove(task_id(1), at_s(1));
  scheduler.lease_granted("a", lease_number(9));
  std::vector<Lease> unused;
  CHECK(scheduler.settle(at_s(1), unused).empty());
  REQUIRE(unused.size() == 1);
  CHECK(unused[0] == lease_number(9));
  CHECK(scheduler.settle(at_s(1), unused).empty());
  CHECK(unused.size() == 1);
}

TEST_CASE("profile_scheduler: the second of two free slots does not go past a better waiter",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(2)};
  scheduler.restore(request_of(1, background, "a"), at_s(0));
  CHECK(pump(scheduler, at_s(0)).empty());
  // Both could start now: an app's own slots need no backend. They stand back only while the answer
  // for "a" is open.
  CHECK(submit(scheduler, request_of(2, interactive), at_s(1)).empty());
  CHECK(submit(scheduler, request_of(3, interactive), at_s(2)).empty());
  scheduler.lease_granted("a", lease_number(1));
  const auto grants = pump(scheduler, at_s(3));
  REQUIRE(grants.size() == 2);
  CHECK(grants[0].id == task_id(2));
  CHECK(grants[1].id == task_id(3));
}

TEST_CASE("profile_scheduler: position counts better classes and earlier arrivals of all targets",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(0)};
  submit(scheduler, request_of(1, background, "a"), at_s(0));
  submit(scheduler, request_of(2, workflow, "b"), at_s(0));
  submit(scheduler, request_of(3, workflow, "a"), at_s(0));
  submit(scheduler, request_of(4, interactive), at_s(0));
  CHECK(scheduler.position(task_id(4)) == 1);
  CHECK(scheduler.position(task_id(2)) == 2);
  CHECK(scheduler.position(task_id(3)) == 3);
  CHECK(scheduler.position(task_id(1)) == 4);
  REQUIRE_FALSE(scheduler.reserve(request_of(5), at_s(0)));
  CHECK_FALSE(scheduler.position(task_id(5)));
}

TEST_CASE("profile_scheduler: the estimate is rounds over the slots times a moving average",
          "[core][profile_scheduler]") {
  ProfileScheduler scheduler{"p", settings_with(2)};
  CHECK(scheduler.estimated_wait_s(workflow) == 0);
  CHECK(scheduler.estimated_wait_s(std::size_t{1}) == 1);
  CHECK(scheduler.estimated_wait_s(std::size_t{3}) == 2);
  submit(scheduler, request_of(1), at_s(0));
  submit(scheduler, request_of(2), at_s(0));
  scheduler.remove(task_id(1), at_s(8));
  CHECK(scheduler.estimated_wait_s(std::size_t{2}) == Approx(8));
  scheduler.remove(task_id(2), at_s(16));
  CHECK(scheduler.estimated_wait_s(std::size_t{2}) == Approx(9));
  CHECK(scheduler.estimated_wait_s(std::size_t{5}) == Approx(27));
  // One that waited and left says nothing about how long calls run.
  scheduler.reconfigure(settings_with(0));
  submit(scheduler, request_of(3, background), at_s(16));
  CHECK(scheduler.estimated_wait_s(interactive) == Approx(9));
  CHECK(scheduler.estimated_wait_s(background) == Approx(18));
  scheduler.remove(task_id(3), at_s(999));
  CHECK(scheduler.estimated_wait_s(std::size_t{1}) == Approx(9));
}

TEST_CASE(
    "profile_scheduler: who waited in vain for a backend is told apart from who met a full one",
    "[profile_scheduler]") {
  ProfileScheduler scheduler{"chat", settings_with(1)};
  const Instant now{};
  WaiterRequest request = request_of(1, workflow, "desk");
  request.queue_wait = seconds{5};
  submit(scheduler, request, now);
  scheduler.lease_parked("desk", false);
  const auto unserved = scheduler.expire(now + seconds{5});
  REQUIRE(unserved.size() == 1);
  CHECK(unserved.front().code == ErrorCode::queue_wait_timeout);
  CHECK(unserved.front().is_unserved);

  scheduler.set_capacity("desk", {{"upstream desk", 1}});
  scheduler.lease_parked("desk", true);
  request.id = task_id(2);
  submit(scheduler, request, now);
  const auto busy = scheduler.expire(now + seconds{5});
  REQUIRE(busy.size() == 1);
  CHECK_FALSE(busy.front().is_unserved);

  // Paused, nobody has asked who is there.
  ProfileScheduler paused{"chat", settings_with(0)};
  request.id = task_id(3);
  submit(paused, request, now);
  CHECK_FALSE(paused.expire(now + seconds{5}).front().is_unserved);
}

}  // namespace signalbox::test
