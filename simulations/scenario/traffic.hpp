// Recorded calls that come faster or slower than they did, and are as large as they were.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/time.hpp"

namespace signalbox::sim {

/// How many times as fast: as recorded. Unit: 1/1,000.
inline constexpr std::uint32_t traffic_as_recorded = 1000;
/// Range of what users may ask for; in the unit above it begins at 1.
inline constexpr double traffic_min = 0.001;
inline constexpr double traffic_max = 1000;

/// @param since_start not below zero. @param traffic above zero. @returns when a call comes then,
/// to the nanosecond, rounded down; at most some 70 years after the start.
inline Duration at_traffic(Duration since_start, std::uint32_t traffic) {
  __extension__ using Wide = __int128;
  const Wide at = Wide{since_start.count()} * traffic_as_recorded / traffic;
  return Duration{static_cast<std::int64_t>(std::min<Wide>(at, Duration::max().count() / 4))};
}

}  // namespace signalbox::sim
