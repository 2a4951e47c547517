#include "simulations/figures/curves.hpp"

#include <algorithm>

namespace signalbox::sim {

ChartPoints distribution_of(const WaitSample& waits) {
  ChartPoints points;
  if (waits.count() == 0) return points;
  for (std::uint32_t per_mille = 1; per_mille <= 1000;) {
    points.emplace_back(to_seconds(waits.quantile(per_mille)), static_cast<double>(per_mille) / 10);
    per_mille += per_mille == 1 ? 9 : per_mille < 990 ? 10 : 1;
  }
  return points;
}

TimeUnit unit_for(double seconds) {
  if (seconds > 7'200) return {"h", 3'600};
  if (seconds > 300) return {"min", 60};
  return {"s", 1};
}

std::vector<double> smoothed(const std::vector<double>& values, std::size_t width) {
  std::vector<double> means;
  for (std::size_t index = 0; index < values.size(); index += width) {
    const std::size_t end = std::min(index + width, values.size());
    double sum = 0;
    for (std::size_t place = index; place < end; ++place) sum += values[place];
    means.push_back(sum / static_cast<double>(end - index));
  }
  return means;
}

ChartPoints over_time(const std::vector<double>& values, std::uint64_t seconds_per_value,
                      const TimeUnit& unit) {
  ChartPoints points;
  for (std::size_t index = 0; index < values.size(); ++index) {
    points.emplace_back(static_cast<double>(index * seconds_per_value) / unit.seconds,
                        values[index]);
  }
  return points;
}

}  // namespace signalbox::sim
