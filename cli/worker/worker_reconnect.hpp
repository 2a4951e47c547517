// How long to wait before the broker is tried again: doubling, with jitter, so that the workers of
// a restarted broker do not all come at once.
#pragma once

#include <algorithm>
#include <chrono>

namespace signalbox::cli {

class ReconnectPolicy {
 public:
  using Delay = std::chrono::milliseconds;

  static constexpr Delay first{250};
  static constexpr Delay most{15'000};

  /// @param chance in [0, 1); the pause is between half the step and the whole.
  [[nodiscard]] Delay next(double chance) {
    const Delay step = x_step;
    x_step = std::min(most, 2 * step);
    return Delay{static_cast<Delay::rep>(static_cast<double>(step.count()) * (0.5 + chance / 2))};
  }

  /// What was tried has worked.
  void reset() { x_step = first; }

 private:
  Delay x_step = first;
};

}  // namespace signalbox::cli
