// What a client does whose call was refused or has failed: it calls again after a pause, a bounded
// number of times. Pauses are exponential backoff with jitter, as clients of HTTP APIs have it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace signalbox::sim {

struct RetryLaw {
  /// Calls it makes for one answer at most, the first one included. Range: 2..1000.
  std::uint32_t tries = 2;
  /// Before the second try. Range: 0..86400 s.
  Duration backoff{};
  /// Each further backoff is so many times the one before. Range: 1..10.
  std::uint32_t factor = 1;
  /// None is longer. Range: 0..86400 s.
  Duration backoff_max = std::chrono::hours{24};
  /// Share of each backoff that is drawn, every length of it as likely. Unit: 1/1,000. Range:
  /// 0..1000.
  std::uint32_t jitter = 0;
  /// It pauses for as long as Retry-After says at least, and draws the share beyond.
  bool heeds_retry_after = false;

  friend bool operator==(const RetryLaw&, const RetryLaw&) = default;
};

inline constexpr std::uint32_t tries_max = 1'000;
inline constexpr std::uint32_t backoff_factor_max = 10;
inline constexpr std::uint32_t backoff_s_max = 86'400;

/// @param tries that were made. @param told what Retry-After said; unset = nothing. @param seed of
/// the call: its n-th pause is the same whatever else happens.
Duration pause_after(const RetryLaw& law, std::uint32_t tries, std::optional<Duration> told,
                     std::uint64_t seed);

/// @returns whether a client that reads only the answer's status would try again: it was refused
/// for now, or the fault is the server's.
bool is_worth_another_try(const Error& error);

/// @returns what the answer's Retry-After says, if it has one (http/front/error_response.cpp).
std::optional<Duration> retry_after_of(const Error& error);

}  // namespace signalbox::sim
