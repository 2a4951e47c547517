// Ways to call that are more than a time between two calls: in bursts, with gaps of two lengths, or
// as users who wait for their answers.
#pragma once

#include <cstdint>

#include "core/base/time.hpp"
#include "simulations/scenario/laws.hpp"

namespace signalbox::sim {

/// Gaps of two lengths, each memoryless: calls come in clusters, and the more so the less alike the
/// two are.
struct Hyperexp {
  /// Mean of the long gaps; that of the short ones is the law's own.
  Duration long_gap{};
  /// Share of gaps that are short. Unit: 1/1,000. Range: 0..1000.
  std::uint32_t short_share = 0;

  friend bool operator==(const Hyperexp&, const Hyperexp&) = default;
};

/// Calls come at random for a while, then none does for a while; both whiles are memoryless.
struct OnOff {
  /// Mean lengths. Range of `on`: a thousandth of the mean gap, at least 1 ms, and longer.
  Duration on{};
  Duration off{};

  friend bool operator==(const OnOff&, const OnOff&) = default;
};

/// So many users, each of whom thinks, calls, waits for the answer, and thinks again.
struct UserLaw {
  std::uint32_t users = 0;
  /// From an answer, or the start, to the next call. Unit: ns. Its largest draw is 1 ms or more.
  Law think;

  friend bool operator==(const UserLaw&, const UserLaw&) = default;
};

}  // namespace signalbox::sim
