// Calls of an on_off client: Poisson while it is on, none while it is off.
#pragma once

#include "simulations/scenario/arrival_shapes.hpp"
#include "simulations/scenario/random.hpp"

namespace signalbox::sim {

class BurstClock {
 public:
  /// @returns the time to the next call. @param gap mean time between two calls of a burst. The
  /// first draw says whether it begins in a burst, as likely as at any other time.
  Duration next(const OnOff& law, Duration gap, RandomStream& random);

 private:
  bool x_has_begun = false;
  /// Of the burst that goes on, what comes after the last call.
  Duration x_left{};
};

}  // namespace signalbox::sim
