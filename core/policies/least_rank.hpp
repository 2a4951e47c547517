// What every policy does last: of the heads, the one whose rank is least.
#pragma once

#include <cstddef>
#include <span>

#include "core/policies/policy.hpp"

namespace signalbox {

/// @param rank_of makes of a head what can be compared by `<`; called once for each.
/// @returns the index of the least; of equal ones, the first. @pre `heads` is not empty.
template <class RankOf>
std::size_t least_rank(std::span<const QueueHead> heads, const RankOf& rank_of) {
  std::size_t least = 0;
  auto least_so_far = rank_of(heads[0]);
  for (std::size_t index = 1; index < heads.size(); ++index) {
    auto rank = rank_of(heads[index]);
    if (rank < least_so_far) {
      least = index;
      least_so_far = rank;
    }
  }
  return least;
}

}  // namespace signalbox
