// Goal: calls for the loaded model go first inside their class, until somebody has been passed for
// too long; that saves swaps. Method: random walks against a searched list; swaps counted beside
// those of strict order.
#include <catch2/catch.hpp>

#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {

using namespace std::chrono_literals;

namespace {

PolicyOracle swap_oracle(Duration max_bypass) {
  const auto loaded = std::make_shared<std::string>();
  PolicyOracle oracle;
  oracle.pick = [loaded, max_bypass](const std::vector<KnownCall>& waiting, Instant now) {
    const auto comes_before = [&](const KnownCall& left, const KnownCall& right) {
      if (left.request.priority != right.request.priority) {
        return left.request.priority < right.request.priority;
      }
      const bool is_left_overdue = now - left.enqueued_at >= max_bypass;
      const bool is_right_overdue = now - right.enqueued_at >= max_bypass;
      if (is_left_overdue != is_right_overdue) return is_left_overdue;
      const bool is_left_loaded = left.request.target == *loaded;
      const bool is_right_loaded = right.request.target == *loaded;
      if (!is_left_overdue && is_left_loaded != is_right_loaded) return is_left_loaded;
      return left.sequence < right.sequence;
    };
    std::size_t best = 0;
    for (std::size_t index = 1; index < waiting.size(); ++index) {
      if (comes_before(waiting[index], waiting[best])) best = index;
    }
    return best;
  };
  oracle.leaves = [loaded](const KnownCall& call, bool is_granted) {
    if (is_granted) *loaded = call.request.target;
  };
  return oracle;
}

/// @returns swaps of a walk, and whether it went well.
std::size_t count_swaps(const ProfileSettings& settings, std::uint64_t seed) {
  const auto swaps = std::make_shared<std::size_t>(0);
  const auto loaded = std::make_shared<std::string>();
  PolicyOracle counter;
  counter.leaves = [swaps, loaded](const KnownCall& call, bool is_granted) {
    if (!is_granted) return;
    if (*loaded != call.request.target) ++*swaps;
    *loaded = call.request.target;
  };
  PolicyWorldOptions options;
  options.slots = settings.max_concurrent.value();
  PolicyWorld world{settings, seed, options, counter};
  for (int step = 0; step < 2000; ++step) REQUIRE(world.step().empty());
  REQUIRE(world.drain().empty());
  return *swaps;
}

}  // namespace

TEST_CASE("swap: the loaded model's calls first inside a class, unless one is overdue",
          "[core][policy][swap]") {
  for (const double bypass_s : {0.0, 3.0, 10.0, 86'400.0}) {
    for (const std::uint32_t slots : {1U, 3U}) {
      PolicyWorldOptions options;
      options.slots = slots;
      walk_policy(
          policy_settings("swap", slots, {.swap_max_bypass_s = bypass_s}), options,
          [&] { return swap_oracle(from_seconds(bypass_s)); }, 20);
    }
  }
}

TEST_CASE("swap: saves swaps, the more the longer others may be passed", "[core][policy][swap]") {
  std::size_t strict = 0;
  std::size_t some = 0;
  std::size_t most = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    strict += count_swaps(policy_settings("strict", 1), seed);
    some += count_swaps(policy_settings("swap", 1, {.swap_max_bypass_s = 10}), seed);
    most += count_swaps(policy_settings("swap", 1, {.swap_max_bypass_s = 1000}), seed);
  }
  INFO(strict << " swaps under strict, " << some << " and " << most << " under swap");
  CHECK(some < strict);
  CHECK(most < some);
  CHECK(4 * most < 3 * strict);
}

TEST_CASE("swap: a policy that is new learns what is loaded from the next grants",
          "[core][policy][swap]") {
  ProfileScheduler scheduler{"p", policy_settings("swap", 1)};
  scheduler.set_capacity("a", {{"gpu", 1}});
  scheduler.set_capacity("b", {{"gpu", 1}});
  std::uint64_t next = 1;
  const auto submit = [&](const std::string& target) {
    WaiterRequest request;
    request.id = task_id(next++);
    request.target = target;
    REQUIRE_FALSE(scheduler.reserve(request, at_s(1)));
    scheduler.enqueue(request.id);
  };
  const auto serve = [&] {
    const auto asks = scheduler.asks(at_s(2));
    REQUIRE(asks.size() == 1);
    Lease lease;
    lease.llm = asks[0].target;
    lease.group = "gpu";
    scheduler.lease_granted(asks[0].target, lease);
    std::vector<Lease> unused;
    const auto grants = scheduler.settle(at_s(2), unused);
    REQUIRE(grants.size() == 1);
    scheduler.remove(grants[0].id, at_s(2));
    return number_of(grants[0].id);
  };
  for (const char* target : {"a", "b", "a", "b", "a"}) submit(target);
  CHECK(serve() == 1);
  CHECK(serve() == 3);
  scheduler.reconfigure(policy_settings("strict", 1));
  CHECK(serve() == 2);
  scheduler.reconfigure(policy_settings("swap", 1));
  // It does not know that b is loaded, so it goes by arrival.
  CHECK(serve() == 4);
  submit("b");
  CHECK(serve() == 6);
  CHECK(serve() == 5);
}

}  // namespace signalbox::test
