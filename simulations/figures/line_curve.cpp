#include "simulations/figures/line_curve.hpp"

namespace signalbox::sim {

void LineCurve::sampled(std::uint64_t second, const LineState& line) {
  while (second / x_width >= points_max) halve();
  const auto index = static_cast<std::size_t>(second / x_width);
  if (index >= x_points.size()) x_points.resize(index + 1);
  for (const std::uint64_t queued : line.queued) x_points[index].sum += queued;
  ++x_points[index].seconds;
}

void LineCurve::halve() {
  for (std::size_t index = 0; index < x_points.size(); ++index) {
    const Point point = x_points[index];
    Point& target = x_points[index / 2];
    if (index % 2 == 0) target = {};
    target.sum += point.sum;
    target.seconds += point.seconds;
  }
  x_points.resize((x_points.size() + 1) / 2);
  x_width *= 2;
}

std::vector<double> LineCurve::means() const {
  std::vector<double> means;
  for (const Point& point : x_points) {
    means.push_back(point.seconds == 0
                        ? 0
                        : static_cast<double>(point.sum) / static_cast<double>(point.seconds));
  }
  return means;
}

}  // namespace signalbox::sim
