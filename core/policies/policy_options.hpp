// What the policies of a profile can be told. Each option is of one policy and is kept while
// another is in force, so that going back to a policy finds its options as they were.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "core/base/priority.hpp"
#include "core/policies/owner_weights.hpp"

namespace signalbox {

struct PolicyOptions {
  /// strict: slots that classes below interactive never take. Range: 0..10000.
  std::uint32_t reserve_interactive = 0;
  /// strict: of so many grants in a row at least one is a background call's while one could start.
  /// Range: 0..10000, 0 = never out of turn.
  std::uint32_t background_trickle = 0;
  /// aging: how fast a class gains by waiting. Range: 1..1000.
  std::array<std::uint32_t, priority_count> aging_weights{4, 2, 1};
  /// fair: shares of owners.
  OwnerWeights fair_weights = {};
  /// sjf: who has waited as long is passed by no shorter call of its class. Unit: s. Range:
  /// 0..86400.
  double sjf_max_bypass_s = 60;
  /// swap: who has waited as long is passed by nobody of its class for a model's sake. Unit: s.
  /// Range: 0..86400.
  double swap_max_bypass_s = 30;
  /// swap: how long calls of another model than the loaded one may be held back, from the first of
  /// them on, so that more gather. Unit: s. Range: 0..3600, 0 = not at all.
  double swap_hold_s = 0;
  /// swap: so many are not held back. Range: 2..10000.
  std::uint32_t swap_min_batch = 4;

  friend bool operator==(const PolicyOptions&, const PolicyOptions&) = default;
};

inline constexpr std::uint32_t background_trickle_max = 10'000;
inline constexpr std::uint32_t aging_weight_max = 1'000;
inline constexpr double max_bypass_s_max = 86'400;
inline constexpr double hold_s_max = 3'600;
inline constexpr std::uint32_t min_batch_min = 2;
inline constexpr std::uint32_t min_batch_max = 10'000;

/// Fields that are not set stay as they are.
struct PolicyOptionsChange {
  std::optional<std::uint32_t> reserve_interactive = {};
  std::optional<std::uint32_t> background_trickle = {};
  std::array<std::optional<std::uint32_t>, priority_count> aging_weights = {};
  /// All of them: who is not named has weight 1 again.
  std::optional<OwnerWeights> fair_weights = {};
  std::optional<double> sjf_max_bypass_s = {};
  std::optional<double> swap_max_bypass_s = {};
  std::optional<double> swap_hold_s = {};
  std::optional<std::uint32_t> swap_min_batch = {};

  void apply_to(PolicyOptions& options) const;
};

/// @returns nothing when every value is in range, else `invalid_request` with the field in `param`.
std::optional<Error> check(const PolicyOptions& options);

}  // namespace signalbox
