#include "core/calls/histogram.hpp"

#include <algorithm>

namespace signalbox {

void Histogram::observe(double seconds) {
  if (!(seconds >= 0)) seconds = 0;
  ++x_count;
  x_sum += seconds;
  const auto bucket = std::lower_bound(x_bounds.begin(), x_bounds.end(), seconds);
  if (bucket == x_bounds.end()) return;
  ++x_counts[static_cast<std::size_t>(bucket - x_bounds.begin())];
}

}  // namespace signalbox
