// How long pieces of answers are in the broker's hands: one figure per call, the longest of its
// pieces. From any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

#include "core/base/time.hpp"
#include "core/calls/call_metrics.hpp"

namespace signalbox::http {

class RelayMeter {
 public:
  void observe(Duration longest) {
    const std::lock_guard lock{x_mutex};
    x_seconds.observe(to_seconds(longest));
  }
  [[nodiscard]] Histogram figures() const {
    const std::lock_guard lock{x_mutex};
    return x_seconds;
  }

 private:
  mutable std::mutex x_mutex;
  Histogram x_seconds{own_seconds_bounds};
};

/// Of one call: told of each piece when it has been handed to the caller's socket.
class RelayTimer {
 public:
  /// @param received_at when the piece had come from the backend; zero is passed over.
  void handed_over(Instant received_at) {
    if (received_at == Instant{}) return;
    x_longest = std::max(x_longest, Duration{std::chrono::steady_clock::now() - received_at});
  }
  /// Once, when the caller has been answered.
  void report_to(RelayMeter& meter) const {
    if (x_longest > Duration::zero()) meter.observe(x_longest);
  }

 private:
  Duration x_longest{};
};

}  // namespace signalbox::http
