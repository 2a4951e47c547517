// What follows a failed attempt (mission D, http-api 8.6): another one, or the end.
#pragma once

#include <cstdint>

#include "core/base/time.hpp"

namespace signalbox {

struct FailedAttempt {
  /// Claims so far, this one included.
  std::uint32_t attempts = 0;
  std::uint32_t max_attempts = 3;
  /// Another backend, or the same a little later, may do better.
  bool is_retryable = false;
  /// Somebody was given part of the answer: starting over would show them two beginnings.
  bool has_reader = false;
};

constexpr bool should_retry(const FailedAttempt& failed) {
  return failed.is_retryable && !failed.has_reader && failed.attempts < failed.max_attempts;
}

/// The pause before the same backend is tried again: 100 ms, doubled with each attempt, at most 5
/// s.
constexpr Duration back_off(std::uint32_t attempts) {
  constexpr std::int64_t first_ms = 100;
  constexpr std::int64_t most_ms = 5000;
  const std::uint32_t doublings = attempts == 0 ? 0 : attempts - 1;
  const std::int64_t ms = doublings > 6 ? most_ms : first_ms << doublings;
  return std::chrono::milliseconds{ms < most_ms ? ms : most_ms};
}

}  // namespace signalbox
