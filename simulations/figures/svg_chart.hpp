// Charts as SVG text: lines over a scale, and values with their intervals. No library and no
// script, so that a page with them can be sent to anyone.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "simulations/figures/interval.hpp"

namespace signalbox::sim {

struct ChartLine {
  std::string name;
  /// In the order of x.
  std::vector<std::pair<double, double>> points;
  /// Each point is drawn, not just the line through them.
  bool is_marked = false;
};

struct ChartLabels {
  std::string title;
  std::string x;
  std::string y;
};

/// Straight lines between points; both scales begin at zero.
std::string line_chart(const ChartLabels& labels, const std::vector<ChartLine>& lines);

struct ChartBar {
  std::string name;
  Interval value;
};

/// Horizontal bars, a whisker for each interval. @param labels its `y` is not used.
std::string bar_chart(const ChartLabels& labels, const std::vector<ChartBar>& bars);

/// @returns `text` with what HTML and SVG would take for markup escaped.
std::string escape_markup(std::string_view text);

}  // namespace signalbox::sim
