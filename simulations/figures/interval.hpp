// What repeated runs say about a mean: 95 % confidence intervals by Student's t.
#pragma once

#include <span>

namespace signalbox::sim {

struct Interval {
  double mean = 0;
  /// The mean is this close to the truth, with 95 % confidence. Infinite for a single value.
  double half_width = 0;

  /// The values differ from zero by more than chance.
  [[nodiscard]] bool excludes_zero() const;
};

/// @pre `values` is not empty.
Interval interval_of(std::span<const double> values);

/// @returns the 97.5 % quantile of Student's t, rounded to three decimals; for degrees that are
/// not in the table that of the next fewer, which is the wider. @pre degrees > 0.
double student_t(std::size_t degrees);

}  // namespace signalbox::sim
