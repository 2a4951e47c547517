#include "core/backend_choice.hpp"

namespace signalbox {

std::optional<std::size_t> choose_least_loaded(std::span<const BackendCandidate> candidates) {
  std::optional<std::size_t> best;
  for (std::size_t index = 0; index < candidates.size(); ++index) {
    const auto& candidate = candidates[index];
    if (candidate.running >= candidate.capacity) continue;
    if (!best) {
      best = index;
      continue;
    }
    const auto& leader = candidates[*best];
    // running/capacity compared by cross products: exact, and no division.
    const auto mine = std::uint64_t{candidate.running} * leader.capacity;
    const auto theirs = std::uint64_t{leader.running} * candidate.capacity;
    if (mine < theirs) best = index;
  }
  return best;
}

}  // namespace signalbox
