// Goal: what every policy owes, whatever its order: it grants one of those who wait and could
// start, loses and doubles nobody, passes no bound, leaves no slot free beside one who could start,
// and never learns how long an answer will be. Method: the same random walks for all of them, with
// and without changes of policy on the way (policy_world.cpp looks after each step).
#include "core/policies/policy.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {
namespace {

constexpr std::array all_policies{"strict", "aging", "fair", "sjf", "swap"};

std::vector<TaskId> grants_of(const char* policy, std::uint64_t usage_seed) {
  PolicyWorldOptions options;
  options.usage_seed = usage_seed;
  PolicyWorld world{policy_settings(policy), 5, options};
  for (int step = 0; step < 3000; ++step) REQUIRE(world.step().empty());
  REQUIRE(world.drain().empty());
  return world.granted();
}

}  // namespace

TEST_CASE("policy: strict picks the lowest class, then the lowest sequence, wherever it stands",
          "[core][policy]") {
  const auto policy = make_policy("strict", {});
  for (std::uint64_t classes = 0; classes < 27; ++classes) {
    std::vector<std::uint64_t> sequences{1, 2, 3};
    do {
      std::vector<QueueHead> heads;
      std::uint64_t digits = classes;
      for (const std::uint64_t sequence : sequences) {
        heads.push_back(
            {all_priorities[digits % 3], static_cast<TargetIndex>(heads.size()), sequence});
        digits /= 3;
      }
      const auto& picked = heads[policy->pick(heads, at_s(0))];
      for (const auto& head : heads) {
        CHECK(picked.priority <= head.priority);
        if (picked.priority == head.priority) CHECK(picked.sequence <= head.sequence);
      }
    } while (std::next_permutation(sequences.begin(), sequences.end()));
  }
}

TEST_CASE("policy: a name that was not checked is refused as a bug", "[core][policy]") {
  CHECK_FALSE(survives([] { make_policy("lifo", {}); }));
}

TEST_CASE("policy: each keeps what all of them owe", "[core][policy][contract]") {
  for (const char* policy : all_policies) {
    for (const std::uint32_t slots : {1U, 4U}) {
      for (const std::size_t targets : {1U, 3U}) {
        PolicyWorldOptions options;
        options.slots = slots;
        options.targets = targets;
        walk_policy(policy_settings(policy, slots), options, nullptr, 15);
      }
    }
  }
}

TEST_CASE("policy: a change of policy loses nobody, and the new order holds at once",
          "[core][policy][contract]") {
  std::mt19937_64 random{17};
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    PolicyWorld world{policy_settings("strict"), seed, {}};
    for (int step = 0; step < 600; ++step) {
      if (random() % 20 == 0) {
        PolicyOptions options;
        options.background_trickle = static_cast<std::uint32_t>(random() % 3);
        options.reserve_interactive = static_cast<std::uint32_t>(random() % 3);
        options.fair_weights["k"] = static_cast<std::uint32_t>(1 + random() % 9);
        world.reconfigure(
            policy_settings(all_policies[random() % all_policies.size()], 3, options));
      }
      REQUIRE(world.step() == "");
    }
    REQUIRE(world.drain() == "");
  }
}

TEST_CASE("policy: who waits is ordered by the policy that is in force", "[core][policy]") {
  ProfileScheduler scheduler{"p", policy_settings("strict", 1)};
  const auto submit = [&](std::uint64_t number, std::uint32_t tokens, const char* owner) {
    WaiterRequest request;
    request.id = task_id(number);
    request.owner = owner;
    request.size = {1, tokens};
    REQUIRE_FALSE(scheduler.reserve(request, at_s(1)));
    scheduler.enqueue(request.id);
  };
  const auto next = [&] {
    std::vector<Lease> unused;
    scheduler.asks(at_s(2));
    const TaskId id = scheduler.settle(at_s(2), unused).at(0).id;
    scheduler.remove(id, at_s(2));
    return number_of(id);
  };
  submit(1, 50, "a");
  submit(2, 40, "a");
  submit(3, 30, "a");
  submit(4, 20, "b");
  submit(5, 10, "a");
  CHECK(next() == 1);
  scheduler.reconfigure(policy_settings("sjf", 1));
  CHECK(next() == 5);
  scheduler.reconfigure(policy_settings("fair", 1));
  CHECK(next() == 2);
  CHECK(next() == 4);
  scheduler.reconfigure(policy_settings("strict", 1));
  CHECK(next() == 3);
}

// Whoever adds a field breaks this line, and is asked here whether it tells of the answer to come.
TEST_CASE("policy: a waiter's view holds what is known at admission and nothing else",
          "[core][policy]") {
  const WaiterView view;
  const auto& [id, sequence, enqueued_at, declared, predicted_out, owner, target, attempts,
               priority, owner_weight] = view;
  const auto& [tokens_in, tokens_out_max] = declared;
  CHECK(id.is_nil());
  CHECK(sequence == 0);
  CHECK(enqueued_at == Instant{});
  CHECK(tokens_in + tokens_out_max + predicted_out + owner + target + attempts == 0);
  CHECK(priority == Priority::workflow);
  CHECK(owner_weight == 1);
}

TEST_CASE("policy: other true sizes, the same decisions", "[core][policy]") {
  for (const char* blind : {"strict", "aging", "swap"}) {
    CHECK(grants_of(blind, 1) == grants_of(blind, 2));
  }
  // Those that learn from calls that have ended do differ: the sizes do get there.
  for (const char* learning : {"fair", "sjf"}) {
    CHECK(grants_of(learning, 1) != grants_of(learning, 2));
  }
}

TEST_CASE("policy: the size of a call counts from its end on, and not before", "[core][policy]") {
  constexpr std::size_t same_ends = 300;
  for (const char* learning : {"fair", "sjf"}) {
    PolicyWorldOptions options;
    options.same_ends = same_ends;
    PolicyWorld world{policy_settings(learning), 9, options};
    options.usage_seed = 2;
    PolicyWorld other{policy_settings(learning), 9, options};
    std::size_t compared = 0;
    for (int step = 0; step < 3000; ++step) {
      REQUIRE(world.step().empty());
      REQUIRE(other.step().empty());
      if (world.ends() > same_ends) continue;
      REQUIRE(world.granted() == other.granted());
      compared = world.granted().size();
    }
    CHECK(compared > same_ends / 2);
    CHECK(world.granted() != other.granted());
  }
}

}  // namespace signalbox::test
