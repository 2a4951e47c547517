// The length of the line over a run of any length, in a bounded number of points: when there are
// too many, neighbours become one.
#pragma once

#include <cstdint>
#include <vector>

#include "simulations/figures/recorder.hpp"

namespace signalbox::sim {

class LineCurve final : public RunObserver {
 public:
  static constexpr std::size_t points_max = 600;

  void ended(const EndedTask&) override {}
  void sampled(std::uint64_t second, const LineState& line) override;

  /// @returns the mean number of waiting calls, all classes together, of each span in turn.
  [[nodiscard]] std::vector<double> means() const;
  /// Of the spans. Unit: s.
  [[nodiscard]] std::uint64_t seconds_per_point() const { return x_width; }

 private:
  struct Point {
    std::uint64_t sum = 0;
    std::uint64_t seconds = 0;
  };
  void halve();

  std::vector<Point> x_points;
  std::uint64_t x_width = 1;
};

}  // namespace signalbox::sim
