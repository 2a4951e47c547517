// Time as the core sees it. Nobody here asks a clock: `now` is always handed in.
// Instant runs on the actor clock (monotonic; virtual in tests and simulations), WallTime is what
// people read.
#pragma once

#include <chrono>
#include <cstdint>

namespace signalbox {

using Duration = std::chrono::nanoseconds;

/// A point on the actor clock. Only differences mean anything.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// @returns `duration` in whole milliseconds, rounded towards zero.
constexpr std::int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

/// @returns `duration` in milliseconds with fraction.
constexpr double to_fractional_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

/// @pre `seconds` is finite and within +-9e9.
constexpr Duration from_seconds(double seconds) {
  return Duration{static_cast<std::int64_t>(seconds * 1e9)};
}

constexpr double to_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace signalbox
