// Goal: strict priority is strict, its reserve is never entered by others, its trickle never runs
// dry. Method: all orders of three heads; random walks against an oracle that searches a list;
// a saturated profile whose grants are counted.
#include "core/policies/strict_policy.hpp"

#include <catch2/catch.hpp>

#include "tests/core/fixtures.hpp"
#include "tests/core/policy_world.hpp"

namespace signalbox::test {
namespace {

struct StrictOracle {
  std::uint32_t trickle = 0;
  std::uint32_t passed = 0;
  bool background_could_start = false;

  std::size_t pick(const std::vector<KnownCall>& waiting) {
    background_could_start = false;
    std::optional<std::size_t> best;
    std::optional<std::size_t> first_background;
    for (std::size_t index = 0; index < waiting.size(); ++index) {
      const KnownCall& call = waiting[index];
      const auto rank = [&](std::size_t which) {
        return std::pair{waiting[which].request.priority, waiting[which].sequence};
      };
      if (!best || rank(index) < rank(*best)) best = index;
      if (call.request.priority != Priority::background) continue;
      background_could_start = true;
      if (!first_background || call.sequence < waiting[*first_background].sequence) {
        first_background = index;
      }
    }
    const bool is_due = trickle > 0 && passed + 1 >= trickle && first_background;
    return is_due ? *first_background : best.value();
  }
  void granted(const KnownCall& call) {
    if (call.request.priority == Priority::background)
      passed = 0;
    else if (background_could_start)
      ++passed;
  }
};

PolicyOracle strict_oracle(std::uint32_t trickle) {
  const auto state = std::make_shared<StrictOracle>();
  state->trickle = trickle;
  PolicyOracle oracle;
  oracle.pick = [state](const auto& waiting, Instant) { return state->pick(waiting); };
  oracle.leaves = [state](const KnownCall& call, bool is_granted) {
    if (is_granted) state->granted(call);
  };
  return oracle;
}

}  // namespace

TEST_CASE("strict: the best class first, then the order of arrival, over all targets",
          "[core][policy][strict]") {
  for (const std::size_t targets : {1U, 3U}) {
    PolicyWorldOptions options;
    options.targets = targets;
    walk_policy(policy_settings("strict"), options, [] { return strict_oracle(0); });
  }
}

TEST_CASE("strict: with a trickle and a reserve as the oracle has it", "[core][policy][strict]") {
  for (const std::uint32_t trickle : {0U, 1U, 2U, 5U}) {
    for (const std::uint32_t reserve : {0U, 1U, 2U}) {
      const PolicyOptions options{.reserve_interactive = reserve, .background_trickle = trickle};
      walk_policy(
          policy_settings("strict", 3, options), {}, [&] { return strict_oracle(trickle); }, 15);
    }
  }
}

TEST_CASE("strict: reserved slots count whoever is in them, and no more than there are",
          "[core][policy][strict]") {
  const StrictPolicy policy{{.reserve_interactive = 2}};
  CHECK(policy.rooms({5, {0, 0, 0}}) == Rooms{5, 3, 3});
  CHECK(policy.rooms({5, {0, 2, 1}}) == Rooms{2, 0, 0});
  CHECK(policy.rooms({5, {1, 1, 1}}) == Rooms{2, 1, 1});
  CHECK(policy.rooms({5, {4, 0, 0}}) == Rooms{1, 1, 1});
  CHECK(policy.rooms({5, {5, 0, 0}}) == Rooms{0, 0, 0});
  // Slots were taken away while calls ran.
  CHECK(policy.rooms({2, {0, 3, 1}}) == Rooms{0, 0, 0});
  CHECK(policy.rooms({1, {0, 0, 0}}) == Rooms{1, 0, 0});
  CHECK(policy.rooms({0, {0, 0, 0}}) == Rooms{0, 0, 0});
}

TEST_CASE("strict: of every n grants of a saturated profile one is background's",
          "[core][policy][strict]") {
  for (const std::uint32_t trickle : {1U, 2U, 7U}) {
    StrictPolicy policy{{.background_trickle = trickle}};
    const std::vector<QueueHead> heads{
        {Priority::interactive, 0, 1}, {Priority::workflow, 0, 2}, {Priority::background, 0, 3}};
    std::uint32_t since_background = 0;
    std::size_t background = 0;
    for (std::size_t grant = 0; grant < 700; ++grant) {
      const std::size_t chosen = policy.pick(heads, at_s(0));
      policy.granted(heads, chosen);
      since_background = chosen == 2 ? 0 : since_background + 1;
      if (chosen == 2) ++background;
      REQUIRE(since_background < trickle);
      REQUIRE(chosen != 1);
    }
    CHECK(background == 700 / trickle);
  }
}

TEST_CASE("strict: a background call that cannot start is owed nothing", "[core][policy][strict]") {
  StrictPolicy policy{{.background_trickle = 2}};
  const std::vector<QueueHead> without{{Priority::interactive, 0, 1}};
  for (int grant = 0; grant < 10; ++grant) policy.granted(without, policy.pick(without, at_s(0)));
  const std::vector<QueueHead> with{{Priority::interactive, 0, 1}, {Priority::background, 0, 2}};
  CHECK(policy.pick(with, at_s(0)) == 0);
  policy.granted(with, 0);
  CHECK(policy.pick(with, at_s(0)) == 1);
}

}  // namespace signalbox::test
