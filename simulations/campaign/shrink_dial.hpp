// One number of a scenario, and the search for the smallest and roundest value with which it still
// fails.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>

#include "simulations/campaign/shrink_passes.hpp"

namespace signalbox::sim {

/// A number of a scenario that can be turned down.
struct Dial {
  std::function<std::int64_t(Scenario)> get;
  std::function<void(Scenario&, std::int64_t)> set;
  std::int64_t floor = 0;
  /// In ns; else a count.
  bool is_time = false;
};

/// A time is first tried in whole seconds, then in tenths and so on: the coarsest unit that still
/// fails is kept, and in it the smallest number. Takes it that what is larger fails, too.
void turn_down(Shrinking& shrinking, const Dial& dial);

inline std::int64_t to_count(Duration time) {
  return time.count();
}
inline std::int64_t to_count(std::integral auto number) {
  return static_cast<std::int64_t>(number);
}

}  // namespace signalbox::sim
