// Goal: strict is strict. Method: all orders of three heads with every combination of classes.
#include "core/policy.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

TEST_CASE("policy: strict picks the lowest class, then the lowest sequence, wherever it stands",
          "[core][policy]") {
  const auto policy = make_policy("strict");
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
      const auto& picked = heads[policy->pick(heads)];
      for (const auto& head : heads) {
        CHECK(picked.priority <= head.priority);
        if (picked.priority == head.priority) CHECK(picked.sequence <= head.sequence);
      }
    } while (std::next_permutation(sequences.begin(), sequences.end()));
  }
}

TEST_CASE("policy: a name that was not checked is refused as a bug", "[core][policy]") {
  CHECK_FALSE(survives([] { make_policy("sjf"); }));
}

}  // namespace signalbox::test
