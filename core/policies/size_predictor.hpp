// How much a call will be answered, from what its caller said and what calls of the same owner and
// target were answered before. Pure arithmetic on whole numbers, bounded.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "core/policies/waiter_view.hpp"

namespace signalbox {

/// Pairs of owner and target that are remembered at most.
inline constexpr std::size_t predictions_kept = 4096;
/// Expected of a call of which nothing is known. Unit: tokens.
inline constexpr std::uint32_t assumed_tokens_out = 256;

class SizePredictor {
 public:
  /// @returns tokens out, at least 1. Of a call that says the most it wants: that, times the share
  /// of it that calls like this one used so far; all of it while there is none. Of others: the mean
  /// of calls like this one. Like this one are those of its owner and target, else of its target.
  [[nodiscard]] std::uint32_t predict(OwnerIndex owner, TargetIndex target,
                                      CallSize declared) const;
  /// A call was answered so much. Means are moving ones, the newest call weighs 1/8. Complexity:
  /// O(log n), amortised.
  void learn(OwnerIndex owner, TargetIndex target, CallSize declared, std::uint32_t tokens_out);
  /// The number will be another owner's.
  void forget(OwnerIndex owner);

  [[nodiscard]] std::size_t size() const { return x_means.size(); }

 private:
  struct Means {
    /// Of calls that did not say the most they want. Unit: 1/256 token.
    std::int64_t tokens_out = 0;
    bool has_tokens_out = false;
    /// Of what calls said they want at most, how much they took. Unit: 1/65536.
    std::int64_t share = 0;
    bool has_share = false;
    std::uint64_t used = 0;
  };
  /// Those of all owners stand under a number that no owner has.
  using Key = std::pair<OwnerIndex, TargetIndex>;

  [[nodiscard]] const Means* find(const Key& key) const;
  void learn_one(const Key& key, CallSize declared, std::uint32_t tokens_out);
  void make_room();

  std::map<Key, Means> x_means;
  std::uint64_t x_clock = 0;
};

}  // namespace signalbox
