// Charts as SVG text: lines over a scale, and values with their intervals. No library and no
// script, so that a page with them can be sent to anyone.
#pragma once

#include <cstdint>
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

enum class ChartScale : std::uint8_t {
  /// From zero on, in equal steps.
  even,
  /// Decades. What is below the first of them, zeros too, stands at the edge.
  decades,
};

struct ChartLabels {
  std::string title;
  std::string x;
  std::string y;
  /// Of x; y begins at zero.
  ChartScale scale = ChartScale::even;
};

/// Straight lines between points, each in a colour and a dash of its own.
std::string line_chart(const ChartLabels& labels, const std::vector<ChartLine>& lines);

struct ChartBar {
  std::string name;
  Interval value;
};

/// Horizontal bars with their values, a whisker for each interval. @param labels its `x` is the
/// unit; `y` and the scale are not used.
std::string bar_chart(const ChartLabels& labels, const std::vector<ChartBar>& bars);

/// What charts of a page need in its style sheet.
extern const char* const chart_style;

/// @returns the chart as an .svg file that needs no page around it.
std::string svg_file(const std::string& chart);

/// @returns a length of time, or another value, short enough for a label: three digits that count.
std::string short_number(double value);

/// @returns `text` with what HTML and SVG would take for markup escaped.
std::string escape_markup(std::string_view text);

}  // namespace signalbox::sim
