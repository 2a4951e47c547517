// Goal: of targets that share a backend's capacity the one whose turn it is gets the room, and one
// that gets no room holds up no other. Method: two or three targets, literal questions and answers.
#include <catch2/catch.hpp>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {
namespace {

using enum Priority;
using Names = std::vector<std::string>;

struct Counter {
  explicit Counter(std::uint32_t slots) : scheduler{"p", policy_settings("strict", slots)} {}

  ProfileScheduler scheduler;
  std::uint32_t next_lease = 1;

  void submit(std::uint64_t number, const std::string& target, Priority priority = workflow) {
    WaiterRequest request;
    request.id = task_id(number);
    request.priority = priority;
    request.target = target;
    REQUIRE_FALSE(scheduler.reserve(request, at_s(1)));
    scheduler.enqueue(request.id);
  }
  Names asked() {
    Names names;
    for (const AskForLease& ask : scheduler.asks(at_s(1))) names.push_back(ask.target);
    return names;
  }
  std::vector<std::uint64_t> settle() {
    std::vector<std::uint64_t> granted;
    for (const Grant& grant : scheduler.settle(at_s(1), unused)) {
      granted.push_back(number_of(grant.id));
    }
    return granted;
  }
  /// @returns who gets it.
  std::vector<std::uint64_t> give(const std::string& target) {
    Lease lease;
    lease.llm = target;
    lease.number = next_lease++;
    scheduler.lease_granted(target, lease);
    CHECK(asked().empty());
    return settle();
  }

  std::vector<Lease> unused;
};

using Order = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("profile_groups: who came first asks first, the other when that one has its slot",
          "[core][profile_scheduler]") {
  Counter counter{2};
  for (const auto* target : {"a", "b"}) counter.scheduler.set_capacity(target, {{"gpu", 2}});
  counter.submit(1, "b");
  counter.submit(2, "a");
  counter.submit(3, "b");
  CHECK(counter.asked() == Names{"b"});
  CHECK(counter.give("b") == Order{1});
  CHECK(counter.asked() == Names{"a"});
  CHECK(counter.give("a") == Order{2});
  CHECK(counter.asked().empty());
  counter.scheduler.remove(task_id(1), at_s(1));
  CHECK(counter.asked() == Names{"b"});
  CHECK(counter.give("b") == Order{3});
  CHECK(counter.unused.empty());
}

TEST_CASE("profile_groups: one that has no backend holds up no other",
          "[core][profile_scheduler]") {
  Counter counter{2};
  for (const auto* target : {"a", "b", "c"}) counter.scheduler.set_capacity(target, {{"gpu", 2}});
  counter.submit(1, "a");
  counter.submit(2, "b");
  counter.submit(3, "c", interactive);
  CHECK(counter.asked() == Names{"c"});
  counter.scheduler.lease_parked("c", false);
  CHECK(counter.asked() == Names{"a"});
  counter.scheduler.lease_parked("a", false);
  CHECK(counter.asked() == Names{"b"});
  CHECK(counter.give("b") == Order{2});
  CHECK(counter.give("c") == Order{3});
}

TEST_CASE("profile_groups: who comes after one that waits for the same room does not ask for it",
          "[core][profile_scheduler]") {
  Counter counter{4};
  for (const auto* target : {"a", "b"}) counter.scheduler.set_capacity(target, {{"gpu", 1}});
  counter.scheduler.set_capacity("c", {{"gpu", 1}, {"tpu", 1}});
  counter.submit(1, "a");
  counter.submit(2, "b");
  counter.submit(3, "a");
  counter.submit(4, "c");
  // c could run elsewhere.
  CHECK(counter.asked() == Names{"a", "c"});
  counter.scheduler.lease_parked("a", true);
  counter.scheduler.lease_parked("c", true);
  CHECK(counter.asked().empty());
  CHECK(counter.give("a") == Order{1});
  CHECK(counter.asked() == Names{"b"});
  counter.scheduler.lease_parked("b", true);
  CHECK(counter.asked().empty());
  CHECK(counter.give("b") == Order{2});
  CHECK(counter.asked() == Names{"a"});
}

TEST_CASE("profile_groups: a better waiter asks although another waits for that room",
          "[core][profile_scheduler]") {
  Counter counter{4};
  for (const auto* target : {"a", "b"}) counter.scheduler.set_capacity(target, {{"gpu", 1}});
  counter.submit(1, "a");
  CHECK(counter.asked() == Names{"a"});
  counter.scheduler.lease_parked("a", true);
  counter.submit(2, "b");
  CHECK(counter.asked().empty());
  counter.submit(3, "b", interactive);
  CHECK(counter.asked() == Names{"b"});
}

TEST_CASE("profile_groups: a lease in hand does not wait for one that nobody asks for",
          "[core][profile_scheduler]") {
  Counter counter{4};
  for (const auto* target : {"a", "b", "c"}) counter.scheduler.set_capacity(target, {{"gpu", 1}});
  counter.submit(1, "a", background);
  CHECK(counter.asked() == Names{"a"});
  counter.scheduler.lease_parked("a", true);
  counter.submit(2, "c", interactive);
  CHECK(counter.asked() == Names{"c"});
  counter.scheduler.lease_parked("c", true);
  counter.submit(3, "b");
  CHECK(counter.asked().empty());
  // It was on its way before c stood in line. What b waits for is behind c, and c waits for this.
  CHECK(counter.give("a") == Order{1});
  CHECK(counter.unused.empty());
}

TEST_CASE("profile_groups: when it is not room any more that one waits for the others may ask",
          "[core][profile_scheduler]") {
  Counter counter{4};
  for (const auto* target : {"a", "b"}) counter.scheduler.set_capacity(target, {{"gpu", 1}});
  counter.submit(1, "a");
  counter.submit(2, "b");
  CHECK(counter.asked() == Names{"a"});
  counter.scheduler.lease_parked("a", true);
  CHECK(counter.asked().empty());
  counter.scheduler.still_parked("a", false);
  CHECK(counter.asked() == Names{"b"});
  counter.scheduler.lease_parked("b", true);
  CHECK(counter.give("b") == Order{2});
  // Nobody waits for it any more: it holds up no other.
  counter.scheduler.still_parked("a", true);
  counter.submit(3, "b");
  CHECK(counter.asked().empty());
  counter.scheduler.remove(task_id(1), at_s(1));
  CHECK(counter.asked() == Names{"b"});
}

TEST_CASE("profile_groups: room elsewhere is asked for at once, in the policy's order",
          "[core][profile_scheduler]") {
  Counter counter{4};
  counter.scheduler.set_capacity("a", {{"cpu", 1}, {"gpu", 1}});
  counter.scheduler.set_capacity("b", {{"gpu", 1}});
  counter.scheduler.set_capacity("c", {{"tpu", 1}});
  counter.scheduler.set_capacity("e", {{"gpu", 1}});
  // A pool nobody serves yet shares nothing.
  counter.scheduler.set_capacity("d", {});
  counter.submit(1, "a");
  counter.submit(2, "b", interactive);
  counter.submit(3, "e");
  counter.submit(4, "c");
  counter.submit(5, "d");
  // b first, for the room that a could take as well; e wants no other.
  CHECK(counter.asked() == Names{"b", "a", "c", "d"});
}

TEST_CASE("profile_groups: targets that share nothing are asked for all at once",
          "[core][profile_scheduler]") {
  Counter counter{1};
  counter.scheduler.set_capacity("a", {{"one", 1}});
  counter.scheduler.set_capacity("b", {{"two", 1}});
  counter.submit(1, "a");
  counter.submit(2, "b");
  CHECK(counter.asked() == Names{"a", "b"});
}

TEST_CASE("profile_groups: a class that may not start asks for nothing",
          "[core][profile_scheduler]") {
  Counter counter{2};
  counter.scheduler.reconfigure(policy_settings("strict", 2, {.reserve_interactive = 1}));
  counter.submit(1, "a");
  CHECK(counter.asked() == Names{"a"});
  CHECK(counter.give("a") == Order{1});
  counter.submit(2, "a");
  counter.submit(3, "b");
  CHECK(counter.asked().empty());
  counter.submit(4, "b", interactive);
  CHECK(counter.asked() == Names{"b"});
  CHECK(counter.give("b") == Order{4});
  counter.scheduler.remove(task_id(1), at_s(1));
  CHECK(counter.asked() == Names{"a", "b"});
}

}  // namespace signalbox::test
