// The length of the line and the slots in use over a run of any length, in a bounded number of
// points: when there are too many, neighbours become one.
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

  // Means of each span in turn.
  /// @returns calls that waited, all classes together.
  [[nodiscard]] std::vector<double> waiting() const;
  /// @returns those of one class.
  [[nodiscard]] std::vector<double> waiting(Priority priority) const;
  /// @returns tasks that held a slot.
  [[nodiscard]] std::vector<double> running() const;
  /// How long the run is.
  [[nodiscard]] double seconds() const { return static_cast<double>(x_points.size() * x_width); }
  /// Of the spans. Unit: s.
  [[nodiscard]] std::uint64_t seconds_per_point() const { return x_width; }

 private:
  struct Point {
    LineState sum;
    std::uint64_t seconds = 0;

    void add(const LineState& line);
  };
  void halve();
  /// @param count of a span's sums the one that is meant.
  template <class Count>
  [[nodiscard]] std::vector<double> means(Count count) const;

  std::vector<Point> x_points;
  std::uint64_t x_width = 1;
};

}  // namespace signalbox::sim
