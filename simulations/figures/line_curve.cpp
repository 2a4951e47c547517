#include "simulations/figures/line_curve.hpp"

#include <numeric>

namespace signalbox::sim {

void LineCurve::Point::add(const LineState& line) {
  for (std::size_t index = 0; index < priority_count; ++index) {
    sum.queued[index] += line.queued[index];
  }
  sum.running += line.running;
}

void LineCurve::sampled(std::uint64_t second, const LineState& line) {
  while (second / x_width >= points_max) halve();
  const auto index = static_cast<std::size_t>(second / x_width);
  if (index >= x_points.size()) x_points.resize(index + 1);
  x_points[index].add(line);
  ++x_points[index].seconds;
}

void LineCurve::halve() {
  for (std::size_t index = 0; index < x_points.size(); ++index) {
    const Point point = x_points[index];
    Point& target = x_points[index / 2];
    if (index % 2 == 0) target = {};
    target.add(point.sum);
    target.seconds += point.seconds;
  }
  x_points.resize((x_points.size() + 1) / 2);
  x_width *= 2;
}

template <class Count>
std::vector<double> LineCurve::means(Count count) const {
  std::vector<double> means;
  for (const Point& point : x_points) {
    means.push_back(point.seconds == 0 ? 0
                                       : static_cast<double>(count(point.sum)) /
                                             static_cast<double>(point.seconds));
  }
  return means;
}

std::vector<double> LineCurve::waiting() const {
  return means([](const LineState& sum) {
    return std::accumulate(sum.queued.begin(), sum.queued.end(), std::uint64_t{0});
  });
}

std::vector<double> LineCurve::waiting(Priority priority) const {
  return means([priority](const LineState& sum) { return sum.queued[to_index(priority)]; });
}

std::vector<double> LineCurve::running() const {
  return means([](const LineState& sum) { return sum.running; });
}

}  // namespace signalbox::sim
