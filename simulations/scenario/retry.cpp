#include "simulations/scenario/retry.hpp"

#include <algorithm>
#include <cmath>

#include "simulations/scenario/random.hpp"

namespace signalbox::sim {
namespace {

Duration backoff_after(const RetryLaw& law, std::uint32_t tries) {
  Duration backoff = std::min(law.backoff, law.backoff_max);
  for (std::uint32_t step = 1; step < tries && law.factor > 1; ++step) {
    if (backoff == Duration::zero() || backoff == law.backoff_max) break;
    backoff = std::min(backoff * static_cast<std::int64_t>(law.factor), law.backoff_max);
  }
  return backoff;
}

}  // namespace

Duration pause_after(const RetryLaw& law, std::uint32_t tries, std::optional<Duration> told,
                     std::uint64_t seed) {
  const Duration backoff = backoff_after(law, tries);
  const Duration spread = backoff * static_cast<std::int64_t>(law.jitter) / 1000;
  Duration least = backoff - spread;
  if (law.heeds_retry_after && told) least = std::max(least, *told);
  RandomStream random{seed + tries, "retry"};
  return least + Duration{static_cast<std::int64_t>(
                     random.below(static_cast<std::uint64_t>(spread.count()) + 1))};
}

bool is_worth_another_try(const Error& error) {
  using enum ErrorCode;
  switch (error.code) {
    case queue_full:
    case queue_wait_timeout:
    case inference_timeout:
    case no_backend:
    case wake_failed:
    case wake_timeout:
    case backend_unreachable:
    case backend_stream_failed:
    case worker_lost:
    case draining:
    case store_full:
    case store_failed:
      return true;
    case backend_error:
      // Passed on where it is the caller's own fault.
      return error.backend_status == 0 || error.backend_status == 408 ||
             error.backend_status == 429;
    default:
      return false;
  }
}

std::optional<Duration> retry_after_of(const Error& error) {
  const bool has_hint = error.retry_after_s > 0 || error.code == ErrorCode::queue_full ||
                        error.code == ErrorCode::queue_wait_timeout;
  if (!has_hint) return std::nullopt;
  const double seconds = std::clamp(std::ceil(error.retry_after_s), 1.0, 60.0);
  return std::chrono::seconds{static_cast<std::int64_t>(seconds)};
}

}  // namespace signalbox::sim
