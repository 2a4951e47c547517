// Durations of many tasks in bounded memory: their quantiles exact up to a million of them, and
// beyond that to one part in 2,048.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/time.hpp"

namespace signalbox::sim {

class WaitSample {
 public:
  /// Durations held one by one (8 MiB). With more they are counted in buckets.
  static constexpr std::size_t exact_max = 1U << 20U;

  /// @pre `wait` is not negative.
  void add(Duration wait);
  /// All that are in `other`.
  void add(const WaitSample& other);

  [[nodiscard]] std::uint64_t count() const { return x_count; }
  [[nodiscard]] Duration max() const { return x_max; }
  [[nodiscard]] bool is_exact() const { return x_buckets.empty(); }

  /// @returns the smallest duration that at least `per_mille` of 1,000 do not exceed (nearest
  /// rank); zero without any. From buckets it is the bucket's upper end: never too small, and too
  /// large by less than 1/2,048. Range: 1..1000.
  [[nodiscard]] Duration quantile(std::uint32_t per_mille) const;

 private:
  [[nodiscard]] Duration quantile_of_buckets(std::uint64_t rank) const;
  void fold();

  /// Sorted on demand.
  mutable std::vector<Duration> x_exact;
  mutable bool x_is_sorted = true;
  std::vector<std::uint64_t> x_buckets;
  std::uint64_t x_count = 0;
  Duration x_max{};
};

}  // namespace signalbox::sim
