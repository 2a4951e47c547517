#include "core/backends/circuit_breaker.hpp"

#include <algorithm>
#include <limits>

#include "core/ports.hpp"

namespace signalbox {

std::string_view to_string(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half_open";
  }
  return "closed";
}

BreakerState CircuitBreaker::state(Instant now) const {
  if (!x_is_open) return BreakerState::closed;
  return now < x_open_until ? BreakerState::open : BreakerState::half_open;
}

bool CircuitBreaker::admits(Instant now) const {
  const BreakerState current = state(now);
  return current == BreakerState::closed || (current == BreakerState::half_open && !x_probe);
}

std::optional<Instant> CircuitBreaker::half_open_at(Instant now) const {
  if (state(now) != BreakerState::open) return std::nullopt;
  return x_open_until;
}

void CircuitBreaker::sent(std::uint32_t call, Instant now) {
  x_newest_call = call;
  if (state(now) == BreakerState::half_open && !x_probe) x_probe = call;
}

void CircuitBreaker::succeeded(std::uint32_t call) {
  if (is_outdated(call)) return;
  x_failures = 0;
  x_is_open = false;
  x_probe.reset();
}

void CircuitBreaker::failed(std::uint32_t call, Instant now) {
  if (is_outdated(call)) return;
  if (x_failures < std::numeric_limits<std::uint32_t>::max()) ++x_failures;
  if (!x_is_open) {
    if (x_failures >= x_rules.failures_to_open) open(now, x_rules.open_first);
  } else if (x_probe == call) {
    open(now, std::min(2 * x_open_for, x_rules.open_longest));
  }
}

void CircuitBreaker::dropped(std::uint32_t call) {
  if (x_probe == call) x_probe.reset();
}

void CircuitBreaker::open(Instant now, Duration how_long) {
  x_is_open = true;
  x_newest_at_opening = x_newest_call;
  x_open_for = how_long;
  x_open_until = now + how_long;
  x_probe.reset();
}

bool counts_against_backend(const BackendFailed& failed) {
  switch (failed.error.code) {
    case ErrorCode::backend_unreachable:
    case ErrorCode::backend_stream_failed:
    case ErrorCode::worker_lost:
      return true;
    case ErrorCode::backend_error:
      // Told in good order and not worth another try, it is the request's fault.
      return failed.retryable && failed.error.backend_status == 0;
    default:
      return false;
  }
}

}  // namespace signalbox
