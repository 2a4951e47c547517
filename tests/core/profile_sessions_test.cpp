// Goal: a profile tells sessions apart where they count, and nowhere else. Method: one case per
// promise; walks with a directory are in session_walk_test.
#include <catch2/catch.hpp>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using namespace std::chrono_literals;
using enum Priority;

/// A profile whose callers wait for target "a".
struct Desk {
  explicit Desk(std::uint32_t max_queued = 1000)
      : scheduler{"p", [&] {
                    ProfileSettings settings;
                    settings.max_concurrent = 8;
                    settings.max_queued = max_queued;
                    return settings;
                  }()} {}

  ProfileScheduler scheduler;
  std::uint32_t next_lease = 1;

  void submit(std::uint64_t number, const std::string& session = {}, Priority priority = workflow,
              Instant now = at_s(0)) {
    WaiterRequest request;
    request.id = task_id(number);
    request.priority = priority;
    request.target = "a";
    REQUIRE_FALSE(scheduler.reserve(request, now, session));
    scheduler.enqueue(request.id);
  }

  std::vector<std::string> asked() {
    asks = scheduler.asks(at_s(0));
    REQUIRE(asks.size() == 1);
    return named();
  }

  /// @returns the sessions of the last question.
  [[nodiscard]] std::vector<std::string> named() const {
    std::vector<std::string> sessions;
    for (const SessionWait& wait : asks.at(0).sessions) sessions.push_back(wait.session);
    return sessions;
  }

  /// @returns whom a lease for that session is granted to; what is not used is counted.
  std::vector<std::uint64_t> lease(std::optional<std::string> session) {
    Lease lease;
    lease.llm = "a";
    lease.number = next_lease++;
    lease.session = std::move(session);
    scheduler.lease_granted("a", lease);
    std::vector<std::uint64_t> granted;
    asks = scheduler.asks(at_s(0));
    std::vector<Lease> given_back;
    for (const Grant& grant : scheduler.settle(at_s(1), given_back)) {
      granted.push_back(number_of(grant.id));
    }
    unused += given_back.size();
    return granted;
  }

  std::vector<AskForLease> asks;
  std::size_t unused = 0;
};

using Sessions = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("profile sessions: a lease that crosses the question for a better caller is given back",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "s", background);
  CHECK(desk.asked() == std::vector<std::string>{"s"});
  desk.scheduler.lease_parked("a", false);
  desk.submit(2, {}, workflow);
  CHECK(desk.asked() == std::vector<std::string>{"", "s"});
  // The directory gave it before it had read the second question.
  CHECK(desk.lease("s").empty());
  CHECK(desk.named() == std::vector<std::string>{"", "s"});
  CHECK(desk.lease("") == std::vector<std::uint64_t>{2});
  CHECK(desk.lease("s") == std::vector<std::uint64_t>{1});
}

TEST_CASE("profile sessions: each is asked for once, in the order of its first waiter",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "t");
  desk.submit(2, "s");
  desk.submit(3);
  desk.submit(4, "s", interactive);
  desk.submit(5, "t");
  desk.submit(6);
  CHECK(desk.asked() == Sessions{"s", "t", ""});
}

TEST_CASE("profile sessions: nobody has one, nothing is named",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1);
  CHECK(desk.asked().empty());
}

TEST_CASE("profile sessions: the lease goes to the first of its session",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "s");
  desk.submit(2, "t");
  desk.submit(3, "t", interactive);
  desk.submit(4);
  desk.asked();
  CHECK(desk.lease("t") == Numbers{3});
  desk.asked();
  CHECK(desk.lease("t") == Numbers{2});
  desk.asked();
  CHECK(desk.lease("") == Numbers{4});
  desk.asked();
  CHECK(desk.lease("s") == Numbers{1});
  CHECK(desk.unused == 0);
}

TEST_CASE("profile sessions: a lease nobody is left for is given back, and one is asked for anew",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "s");
  desk.submit(2, "t");
  desk.asked();
  desk.scheduler.remove(task_id(1), at_s(0));
  CHECK(desk.lease("s").empty());
  CHECK(desk.unused == 1);
  REQUIRE(desk.asks.size() == 1);
  CHECK(desk.named() == Sessions{"t"});
  CHECK(desk.lease("t") == Numbers{2});
}

TEST_CASE("profile sessions: somebody of a better class came meanwhile, and is asked for first",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "s");
  desk.asked();
  desk.submit(2, "t", interactive);
  CHECK(desk.lease("s").empty());
  REQUIRE(desk.asks.size() == 1);
  CHECK(desk.asks[0].priority == interactive);
  CHECK(desk.named() == Sessions{"t", "s"});
  CHECK(desk.lease("t") == Numbers{2});
}

TEST_CASE("profile sessions: parked, it asks again when other sessions wait",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "s");
  desk.asked();
  desk.scheduler.lease_parked("a", true);
  desk.submit(2, "s");
  CHECK(desk.scheduler.asks(at_s(0)).empty());
  desk.submit(3, "t");
  CHECK(desk.asked() == Sessions{"s", "t"});
  desk.scheduler.lease_parked("a", true);
  desk.scheduler.remove(task_id(1), at_s(0));
  CHECK(desk.scheduler.asks(at_s(0)).empty());
  desk.scheduler.remove(task_id(2), at_s(0));
  CHECK(desk.asked() == Sessions{"t"});
}

TEST_CASE("profile sessions: each is named with the time its first has waited since",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1, "s", workflow, at_s(1));
  desk.submit(2, {}, workflow, at_s(2));
  desk.submit(3, "s", workflow, at_s(3));
  using Waits = std::vector<SessionWait>;
  desk.asked();
  CHECK(desk.asks[0].sessions == Waits{{"s", at_s(1)}, {"", at_s(2)}});
  desk.scheduler.lease_parked("a", true);
  desk.scheduler.remove(task_id(1), at_s(4));
  desk.asked();
  CHECK(desk.asks[0].sessions == Waits{{"", at_s(2)}, {"s", at_s(3)}});
}

TEST_CASE("profile sessions: one question names a bounded number, and those without always",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    desk.submit(number, "s" + std::to_string(number));
  }
  desk.submit(301);
  const auto asked = desk.asked();
  REQUIRE(asked.size() == sessions_asked_first + 1);
  CHECK(asked.front() == "s1");
  CHECK(asked.back().empty());
}

TEST_CASE("profile sessions: when all that were named must wait, more are named, up to a bound",
          "[core][profile_scheduler][sessions]") {
  Desk desk{5000};
  for (std::uint64_t number = 1; number <= 300; ++number) {
    desk.submit(number, "s" + std::to_string(number));
  }
  CHECK(desk.asked().size() == 128);
  desk.scheduler.lease_parked("a", true);
  CHECK(desk.asked().size() == 256);
  desk.scheduler.lease_parked("a", true);
  const auto all = desk.asked();
  REQUIRE(all.size() == 300);
  CHECK(all.back() == "s300");
  desk.scheduler.lease_parked("a", true);
  CHECK(desk.scheduler.asks(at_s(0)).empty());
  // The last in line is served though 299 sessions wait before it.
  CHECK(desk.lease("s300") == Numbers{300});
  for (std::uint64_t number = 301; number <= 5000; ++number) {
    desk.submit(number, "s" + std::to_string(number));
  }
  for (int round = 0; round < 10; ++round) {
    const auto asks = desk.scheduler.asks(at_s(0));
    if (asks.empty()) break;
    CHECK(asks[0].sessions.size() <= sessions_asked_max);
    desk.asks = asks;
    desk.scheduler.lease_parked("a", true);
  }
  CHECK(desk.asks[0].sessions.size() == sessions_asked_max);
  CHECK(desk.scheduler.asks(at_s(0)).empty());
}

TEST_CASE("profile sessions: where they do not count they are named no more, until they do",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  for (std::uint64_t number = 1; number <= 5; ++number) desk.submit(number, "s");
  CHECK(desk.asked() == Sessions{"s"});
  CHECK(desk.lease(std::nullopt) == Numbers{1});
  CHECK(desk.asked().empty());
  CHECK(desk.lease(std::nullopt) == Numbers{2});
  CHECK(desk.asked().empty());
  // The pool's choice was changed: the lease is for one without a session, and there is none.
  CHECK(desk.lease("").empty());
  CHECK(desk.unused == 1);
  REQUIRE(desk.asks.size() == 1);
  CHECK(desk.named() == Sessions{"s"});
  CHECK(desk.lease("s") == Numbers{3});
}

TEST_CASE("profile sessions: they wait, are counted and go back as others do",
          "[core][profile_scheduler][sessions]") {
  Desk desk;
  desk.submit(1);
  desk.submit(2, "s");
  desk.submit(3);
  desk.submit(4, "s", interactive);
  CHECK(desk.scheduler.occupancy().waiting == std::array<std::size_t, 3>{1, 3, 0});
  CHECK(desk.scheduler.position(task_id(4)) == 1);
  CHECK(desk.scheduler.position(task_id(1)) == 2);
  CHECK(desk.scheduler.position(task_id(2)) == 3);
  CHECK(desk.scheduler.position(task_id(3)) == 4);
  desk.asked();
  REQUIRE(desk.lease("s") == Numbers{4});
  desk.asked();
  REQUIRE(desk.lease("s") == Numbers{2});
  REQUIRE(desk.scheduler.requeue(task_id(2), 0s, at_s(2)));
  CHECK(desk.scheduler.position(task_id(2)) == 2);
  // Nobody can be woken for them: all are told, in order.
  const auto callers = desk.scheduler.lease_refused("a", at_s(60), at_s(2));
  CHECK(callers == std::vector<TaskId>{task_id(1), task_id(2), task_id(3)});
}

}  // namespace signalbox::test
