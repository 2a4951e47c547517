// Durations counted by size, as Prometheus wants them: how many were at most so long, and their
// sum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace signalbox {

class Histogram {
 public:
  /// @param bounds upper ends of the buckets, rising, a constant that outlives this. Unit: s.
  explicit Histogram(std::span<const double> bounds) : x_bounds{bounds}, x_counts(bounds.size()) {}

  /// What is below zero or no number counts as zero. Costs a walk over the bounds. Unit: s.
  void observe(double seconds);

  [[nodiscard]] std::span<const double> bounds() const { return x_bounds; }
  /// In each bucket alone; what lies above the last bound is in no bucket.
  [[nodiscard]] std::span<const std::uint64_t> counts() const { return x_counts; }
  [[nodiscard]] std::uint64_t count() const { return x_count; }
  /// Unit: s.
  [[nodiscard]] double sum() const { return x_sum; }

 private:
  std::span<const double> x_bounds;
  std::vector<std::uint64_t> x_counts;
  std::uint64_t x_count = 0;
  double x_sum = 0;
};

}  // namespace signalbox
