// Curves of a run as a chart's points: how long calls waited, and what went on over time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "simulations/figures/wait_sample.hpp"

namespace signalbox::sim {

using ChartPoints = std::vector<std::pair<double, double>>;

/// @returns the share of calls (in per cent) that waited for so long (in s) or less, in steps of
/// 1 %, and of 0.1 % in the last hundredth, up to the longest wait. Empty without calls.
ChartPoints distribution_of(const WaitSample& waits);

/// A unit of time in which a run's length is a small number.
struct TimeUnit {
  std::string name;
  double seconds = 1;
};

/// @param seconds the run's length.
TimeUnit unit_for(double seconds);

/// @returns means of `width` neighbours each; the last may be of fewer.
std::vector<double> smoothed(const std::vector<double>& values, std::size_t width);

/// @param values means of spans of `seconds_per_value`. @returns them over time, in that unit.
ChartPoints over_time(const std::vector<double>& values, std::uint64_t seconds_per_value,
                      const TimeUnit& unit);

}  // namespace signalbox::sim
