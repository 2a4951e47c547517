// Goal: linear aging, exactly, and the worst-case wait that the documentation states. Method:
// random walks against a searched list; a profile that interactive calls alone would fill for ever.
#include "core/policies/aging_policy.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>

#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {

using namespace std::chrono_literals;

namespace {

PolicyOracle aging_oracle(const std::array<std::uint32_t, priority_count>& weights) {
  PolicyOracle oracle;
  oracle.pick = [weights](const std::vector<KnownCall>& waiting, Instant now) {
    std::size_t best = 0;
    const auto age = [&](const KnownCall& call) {
      return (now - call.enqueued_at).count() * weights[to_index(call.request.priority)];
    };
    for (std::size_t index = 1; index < waiting.size(); ++index) {
      const KnownCall& one = waiting[index];
      const KnownCall& other = waiting[best];
      const bool is_tie = age(one) == age(other);
      const bool is_first = std::pair{one.request.priority, one.sequence} <
                            std::pair{other.request.priority, other.sequence};
      if (age(one) > age(other) || (is_tie && is_first)) best = index;
    }
    return best;
  };
  return oracle;
}

/// Two slots, calls of one second, and always `crowd` interactive calls in line. One background
/// call comes. @returns how long it waits, at most 1,000 s.
Duration wait_in_crowd(const ProfileSettings& settings, std::size_t crowd) {
  ProfileScheduler scheduler{"p", settings};
  std::uint64_t next = 1;
  Instant now = at_s(1);
  const auto submit = [&](Priority priority) {
    WaiterRequest request;
    request.id = task_id(next++);
    request.priority = priority;
    REQUIRE_FALSE(scheduler.reserve(request, now));
    scheduler.enqueue(request.id);
    return request.id;
  };
  TaskId patient;
  std::deque<TaskId> running;
  for (int second = 0; second < 1000; ++second, now += 1s) {
    for (const TaskId id : running) scheduler.remove(id, now);
    running.clear();
    if (second == 10) patient = submit(Priority::background);
    while (scheduler.occupancy().waiting[0] < crowd) submit(Priority::interactive);
    std::vector<Lease> unused;
    std::vector<Grant> grants;
    do {
      scheduler.asks(now);
      grants = scheduler.settle(now, unused);
      for (const Grant& grant : grants) {
        if (grant.id == patient) return grant.queue_wait;
        running.push_back(grant.id);
      }
    } while (!grants.empty());
    REQUIRE(running.size() == 2);
  }
  return 1000s;
}

}  // namespace

TEST_CASE("aging: the largest product of weight and wait is next", "[core][policy][aging]") {
  for (const std::array<std::uint32_t, priority_count>& weights :
       {std::array{4U, 2U, 1U}, std::array{1U, 1U, 1U}, std::array{1U, 10U, 1000U}}) {
    walk_policy(policy_settings("aging", 3, {.aging_weights = weights}), {},
                [&] { return aging_oracle(weights); });
  }
}

TEST_CASE("aging: with equal weights it is first come first served", "[core][policy][aging]") {
  PolicyOracle arrival;
  arrival.pick = [](const std::vector<KnownCall>& waiting, Instant) {
    const auto first = std::min_element(
        waiting.begin(), waiting.end(), [](const KnownCall& left, const KnownCall& right) {
          return std::tuple{left.enqueued_at, left.request.priority, left.sequence} <
                 std::tuple{right.enqueued_at, right.request.priority, right.sequence};
        });
    return static_cast<std::size_t>(first - waiting.begin());
  };
  walk_policy(policy_settings("aging", 2, {.aging_weights = {7, 7, 7}}), {},
              [&] { return arrival; });
}

TEST_CASE("aging: nobody waits longer than B/b * ceil((n + 1) / c) * d, whatever comes",
          "[core][policy][aging]") {
  for (const std::uint32_t weight : {1U, 2U, 8U, 30U}) {
    for (const std::size_t crowd : {2U, 9U, 20U}) {
      const PolicyOptions options{.aging_weights = {weight, weight, 1}};
      const Duration waited = wait_in_crowd(policy_settings("aging", 2, options), crowd);
      const auto rounds = static_cast<std::int64_t>((crowd + 1 + 1) / 2);
      INFO("weight " << weight << ", crowd " << crowd << ", waited " << to_seconds(waited));
      CHECK(waited <= weight * rounds * 1s);
      // The bound is no idle one: it waits for a good part of it.
      CHECK(2 * waited >= weight * (rounds - 2) * 1s);
    }
  }
  CHECK(wait_in_crowd(policy_settings("strict", 2), 9) == 1000s);
}

TEST_CASE("aging: waits of centuries neither overflow nor turn the order round",
          "[core][policy][aging]") {
  const AgingPolicy policy{{.aging_weights = {1000, 2, 1}}};
  WaiterView old;
  old.priority = Priority::background;
  old.sequence = 1;
  WaiterView young;
  young.priority = Priority::interactive;
  young.sequence = 2;
  const Instant now = Instant::max();
  young.enqueued_at = now - 1ns;
  const std::vector<QueueHead> heads{{Priority::interactive, 0, 2, &young, false},
                                     {Priority::background, 0, 1, &old, false}};
  CHECK(policy.pick(heads, now) == 1);
  young.enqueued_at = old.enqueued_at;
  CHECK(policy.pick(heads, now) == 0);
}

}  // namespace signalbox::test
