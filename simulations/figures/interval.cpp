#include "simulations/figures/interval.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

/// For 1 to 30 degrees of freedom.
constexpr std::array<double, 30> small_degrees{
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};

constexpr std::array<std::pair<std::size_t, double>, 5> large_degrees{
    {{1000, 1.962}, {120, 1.980}, {60, 2.000}, {40, 2.021}, {30, 2.042}}};

}  // namespace

double student_t(std::size_t degrees) {
  SIGNALBOX_ASSERT(degrees > 0);
  if (degrees <= small_degrees.size()) return small_degrees[degrees - 1];
  for (const auto& [least, quantile] : large_degrees) {
    if (degrees >= least) return quantile;
  }
  return small_degrees.back();
}

bool Interval::excludes_zero() const {
  return mean > half_width || mean < -half_width;
}

Interval interval_of(std::span<const double> values) {
  SIGNALBOX_ASSERT(!values.empty());
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  const double mean = sum / count;
  if (values.size() == 1) return {mean, std::numeric_limits<double>::infinity()};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double standard_error = std::sqrt(squares / (count - 1) / count);
  return {mean, student_t(values.size() - 1) * standard_error};
}

}  // namespace signalbox::sim
