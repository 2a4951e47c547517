// Goal: each choice does what its word says, whatever is full. Method: one case per promise, then
// random candidates against the definition; sessions that come and go in session_affinity_test.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "core/backends/pool_choices.hpp"

namespace signalbox::test {
namespace {

using Candidates = std::vector<BackendCandidate>;

/// Loads of backends named "a", "b", ... of capacity 4.
Candidates loads(const std::vector<std::uint32_t>& running) {
  static const std::vector<std::string> names{"a", "b", "c", "d", "e", "f"};
  Candidates candidates;
  for (std::size_t index = 0; index < running.size(); ++index) {
    candidates.push_back({index, running[index], 4, names.at(index)});
  }
  return candidates;
}

constexpr std::array all_kinds{ChoiceKind::first_match, ChoiceKind::round_robin,
                               ChoiceKind::least_loaded, ChoiceKind::affinity};

}  // namespace

TEST_CASE("choice: every kind has a word of its own, and no other word is one", "[core][choice]") {
  CHECK(choice_words().size() == all_kinds.size());
  for (const ChoiceKind kind : all_kinds) {
    CHECK(parse_choice(to_string(kind)) == kind);
    CHECK(make_choice(kind)->kind() == kind);
  }
  for (const char* word : {"", "random", "Affinity", "least_loaded "}) {
    CHECK_FALSE(parse_choice(word));
  }
}

TEST_CASE("choice: none takes a full backend or chooses among nobody", "[core][choice]") {
  for (const ChoiceKind kind : all_kinds) {
    const auto choice = make_choice(kind);
    CAPTURE(to_string(kind));
    CHECK_FALSE(choice->choose({}, ""));
    CHECK_FALSE(choice->choose({}, "s"));
    CHECK_FALSE(choice->choose(loads({4, 4, 5}), ""));
    CHECK_FALSE(choice->choose(loads({4, 4, 5}), "s"));
    CHECK(choice->choose(loads({4, 3, 4}), "") == 1);
    CHECK(choice->choose(loads({4, 3, 4}), "s") == 1);
  }
}

TEST_CASE("choice: first_match fills the first before the second is asked", "[core][choice]") {
  const auto choice = make_choice(ChoiceKind::first_match);
  std::vector<std::uint32_t> running{0, 0, 0};
  std::string order;
  for (int call = 0; call < 12; ++call) {
    const auto chosen = choice->choose(loads(running), "");
    REQUIRE(chosen);
    ++running[*chosen];
    order += static_cast<char>('a' + *chosen);
  }
  CHECK(order == "aaaabbbbcccc");
}

TEST_CASE("choice: round_robin takes turns and passes over who is full or gone", "[core][choice]") {
  const auto choice = make_choice(ChoiceKind::round_robin);
  const auto turns = [&](const Candidates& candidates, int count) {
    std::string order;
    for (int turn = 0; turn < count; ++turn) {
      order += candidates[choice->choose(candidates, "").value()].name;
    }
    return order;
  };
  // Load is nothing to it.
  CHECK(turns(loads({3, 0, 1}), 7) == "abcabca");
  CHECK(turns(loads({0, 4, 0}), 3) == "cac");
  Candidates without_first = loads({0, 0, 0});
  without_first.erase(without_first.begin());
  CHECK(turns(without_first, 3) == "bcb");
  Candidates only_first = loads({0});
  CHECK(turns(only_first, 2) == "aa");
  CHECK(turns(loads({0, 0, 0}), 3) == "bca");
}

TEST_CASE("choice: affinity without sessions is least_loaded", "[core][choice]") {
  std::mt19937_64 random{4};
  const auto affinity = make_choice(ChoiceKind::affinity);
  const auto least = make_choice(ChoiceKind::least_loaded);
  for (int turn = 0; turn < 2000; ++turn) {
    std::vector<std::uint32_t> running(random() % 7);
    for (auto& each : running) each = static_cast<std::uint32_t>(random() % 6);
    CHECK(affinity->choose(loads(running), "") == least->choose(loads(running), ""));
  }
  CHECK(affinity->sessions() == 0);
}

TEST_CASE("choice: a pool has what was set for it, else the default, at once", "[core][choice]") {
  PoolChoices pools;
  CHECK(pools.kind_of("p") == ChoiceKind::least_loaded);
  CHECK(pools.of("p").kind() == ChoiceKind::least_loaded);
  pools.set("p", ChoiceKind::affinity);
  REQUIRE(pools.of("p").kind() == ChoiceKind::affinity);
  REQUIRE(pools.of("p").choose(loads({0, 0}), "s"));
  CHECK(pools.sessions_of("p") == 1);
  pools.set_default(ChoiceKind::first_match);
  CHECK(pools.of("p").kind() == ChoiceKind::affinity);
  CHECK(pools.of("other").kind() == ChoiceKind::first_match);
  // Said again: nothing is forgotten. Another kind: all of it is.
  pools.set("p", ChoiceKind::affinity);
  CHECK(pools.sessions_of("p") == 1);
  pools.set("p", ChoiceKind::round_robin);
  CHECK(pools.sessions_of("p") == 0);
  pools.set("p", ChoiceKind::affinity);
  pools.of("p");
  REQUIRE(pools.of("p").choose(loads({0, 0}), "s"));
  pools.keep_only([](const std::string& pool) { return pool == "p"; });
  CHECK(pools.sessions_of("p") == 1);
  pools.keep_only([](const std::string&) { return false; });
  CHECK(pools.sessions_of("p") == 0);
  CHECK(pools.kind_of("p") == ChoiceKind::affinity);
}

TEST_CASE("choice: a copy remembers, and goes its own way", "[core][choice]") {
  PoolChoices first;
  first.set("p", ChoiceKind::affinity);
  REQUIRE(first.of("p").choose(loads({0, 1}), "s") == 0);
  PoolChoices second = first;
  REQUIRE(second.of("p").choose(loads({4, 0}), "t") == 1);
  CHECK(first.sessions_of("p") == 1);
  CHECK(second.sessions_of("p") == 2);
  CHECK(second.of("p").choose(loads({3, 0}), "s") == 0);
}

}  // namespace signalbox::test
