// Goal: the lowest share in use, ties by order, never a full one. Method: all triples of small
// loads and capacities against the definition.
#include "core/backends/backend_choice.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

namespace signalbox::test {

TEST_CASE("backend_choice: nobody or only full ones give nothing", "[core][backend_choice]") {
  CHECK_FALSE(choose_least_loaded({}));
  const std::vector<BackendCandidate> full{{0, 1, 1}, {1, 5, 4}, {2, 0, 0}};
  CHECK_FALSE(choose_least_loaded(full));
}

TEST_CASE("backend_choice: all small triples agree with the definition", "[core][backend_choice]") {
  std::vector<BackendCandidate> kinds;
  for (std::uint32_t capacity = 1; capacity <= 4; ++capacity) {
    for (std::uint32_t running = 0; running <= capacity + 1; ++running) {
      kinds.push_back({kinds.size(), running, capacity});
    }
  }
  for (const auto& first : kinds) {
    for (const auto& second : kinds) {
      for (const auto& third : kinds) {
        const std::vector<BackendCandidate> candidates{first, second, third};
        std::optional<std::size_t> best;
        double best_share = 1;
        for (std::size_t index = 0; index < candidates.size(); ++index) {
          // Small fractions that are equal are equal as doubles too.
          const double share =
              static_cast<double>(candidates[index].running) / candidates[index].capacity;
          if (share >= best_share) continue;
          best = index;
          best_share = share;
        }
        if (choose_least_loaded(candidates) == best) continue;
        FAIL(first.running << "/" << first.capacity << " " << second.running << "/"
                           << second.capacity << " " << third.running << "/" << third.capacity);
      }
    }
  }
}

TEST_CASE("backend_choice: the largest numbers do not wrap round", "[core][backend_choice]") {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  const std::vector<BackendCandidate> candidates{
      {0, most - 1, most}, {1, most / 2, most}, {2, 1, 2}};
  CHECK(choose_least_loaded(candidates) == 1);
}

}  // namespace signalbox::test
