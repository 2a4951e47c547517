// Goal: a session stays where it is while that is there, new ones spread, and what is remembered is
// bounded. Method: one case per promise, then a random walk against a plain list.
#include "core/backends/session_affinity.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

namespace signalbox::test {
namespace {

using Candidates = std::vector<BackendCandidate>;

Candidates idle(const std::vector<std::string>& names, std::uint32_t capacity = 4) {
  Candidates candidates;
  for (const std::string& name : names)
    candidates.push_back({candidates.size(), 0, capacity, name});
  return candidates;
}

}  // namespace

TEST_CASE("affinity: a session stays though others are idle, and waits while its own is full",
          "[core][affinity]") {
  const std::vector<std::string> names{"a", "b"};
  Candidates candidates = idle(names);
  SessionAffinity affinity;
  REQUIRE(affinity.choose(candidates, "s") == 0);
  for (std::uint32_t running = 0; running < 4; ++running) {
    candidates[0].running = running;
    CHECK(affinity.choose(candidates, "s") == 0);
  }
  candidates[0].running = 4;
  CHECK_FALSE(affinity.choose(candidates, "s"));
  CHECK(affinity.choose(candidates, "other") == 1);
  candidates[0].running = 3;
  CHECK(affinity.choose(candidates, "s") == 0);
}

TEST_CASE("affinity: a session whose backend is gone moves, and stays where it went",
          "[core][affinity]") {
  const std::vector<std::string> names{"a", "b", "c"};
  SessionAffinity affinity;
  REQUIRE(affinity.choose(idle(names), "s") == 0);
  const std::vector<std::string> left{"b", "c"};
  CHECK(affinity.choose(idle(left), "s") == 0);
  CHECK(affinity.choose(idle(names), "s") == 1);
  CHECK(affinity.sessions() == 1);
}

TEST_CASE("affinity: a new session that finds all full is not bound to any", "[core][affinity]") {
  const std::vector<std::string> names{"a", "b"};
  Candidates candidates = idle(names, 1);
  candidates[0].running = candidates[1].running = 1;
  SessionAffinity affinity;
  CHECK_FALSE(affinity.choose(candidates, "s"));
  CHECK(affinity.sessions() == 0);
  candidates[1].running = 0;
  CHECK(affinity.choose(candidates, "s") == 1);
}

TEST_CASE("affinity: new sessions spread over backends that are equally loaded",
          "[core][affinity]") {
  const std::vector<std::string> names{"a", "b", "c"};
  SessionAffinity affinity;
  std::map<std::size_t, int> counts;
  for (int session = 0; session < 300; ++session) {
    ++counts[affinity.choose(idle(names), "s" + std::to_string(session)).value()];
  }
  CHECK(counts == std::map<std::size_t, int>{{0, 100}, {1, 100}, {2, 100}});
}

TEST_CASE("affinity: one session too many, and the one silent longest is forgotten",
          "[core][affinity]") {
  const std::vector<std::string> names{"a", "b"};
  SessionAffinity affinity{3};
  REQUIRE(affinity.choose(idle(names), "s1") == 0);
  REQUIRE(affinity.choose(idle(names), "s2") == 1);
  REQUIRE(affinity.choose(idle(names), "s3") == 0);
  REQUIRE(affinity.choose(idle(names), "s1") == 0);
  REQUIRE(affinity.choose(idle(names), "s4") == 1);
  CHECK(affinity.sessions() == 3);
  // s2 was the one; it is new again, and takes s3's place.
  Candidates busy = idle(names);
  busy[1].running = 1;
  CHECK(affinity.choose(busy, "s2") == 0);
  CHECK(affinity.choose(busy, "s4") == 1);
  CHECK(affinity.sessions() == 3);
}

TEST_CASE("affinity: a million session keys leave no more than the bound", "[core][affinity]") {
  const std::vector<std::string> names{"a", "b", "c"};
  const Candidates candidates = idle(names);
  SessionAffinity affinity;
  for (int session = 0; session < 1'000'000; ++session) {
    affinity.choose(candidates, std::to_string(session));
  }
  CHECK(affinity.sessions() == SessionAffinity::default_sessions_max);
}

TEST_CASE("affinity: a random walk keeps to a plain list", "[core][affinity][random]") {
  struct Bound {
    std::string session;
    std::string backend;
  };
  const std::vector<std::string> names{"a", "b", "c", "d"};
  std::size_t kept = 0;
  std::size_t waited = 0;
  std::size_t moved = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random{seed};
    SessionAffinity affinity{6};
    /// Least recently used first.
    std::vector<Bound> list;
    for (int step = 0; step < 2000; ++step) {
      Candidates candidates;
      for (std::size_t index = 0; index < names.size(); ++index) {
        if (random() % 4 == 0) continue;
        const auto running = static_cast<std::uint32_t>(random() % 3);
        candidates.push_back({index, running, 2, names[index]});
      }
      const std::string session = "s" + std::to_string(random() % 9);
      const auto place = std::find_if(list.begin(), list.end(),
                                      [&](const Bound& each) { return each.session == session; });
      std::optional<std::size_t> right;
      bool is_bound = false;
      for (std::size_t index = 0; index < candidates.size(); ++index) {
        const auto& mine = candidates[index];
        if (place != list.end() && place->backend == mine.name) {
          is_bound = true;
          right = mine.has_room() ? std::optional{index} : std::nullopt;
          break;
        }
      }
      const auto held = [&](std::string_view backend) {
        return std::count_if(list.begin(), list.end(),
                             [&](const Bound& each) { return each.backend == backend; });
      };
      if (!is_bound) {
        for (std::size_t index = 0; index < candidates.size(); ++index) {
          const auto& mine = candidates[index];
          if (!mine.has_room()) continue;
          const auto rank = [&](const BackendCandidate& each) {
            return std::pair{each.running, held(each.name)};
          };
          if (!right || rank(mine) < rank(candidates[*right])) right = index;
        }
      }
      const auto chosen = affinity.choose(candidates, session);
      if (chosen != right) FAIL("seed " << seed << " step " << step);
      if (is_bound) ++(chosen ? kept : waited);
      if (!chosen) continue;
      moved += place != list.end() && !is_bound ? 1 : 0;
      const Bound bound{session, std::string{candidates[*chosen].name}};
      if (place != list.end()) list.erase(place);
      if (list.size() == 6) list.erase(list.begin());
      list.push_back(bound);
      if (affinity.sessions() != list.size()) FAIL("seed " << seed << " step " << step);
    }
  }
  INFO(kept << " kept, " << waited << " waited, " << moved << " moved");
  CHECK(kept > 5'000);
  CHECK(waited > 2'000);
  CHECK(moved > 2'000);
}

}  // namespace signalbox::test
