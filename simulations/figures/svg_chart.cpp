#include "simulations/figures/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace signalbox::sim {
namespace {

constexpr double width = 640;
constexpr double height = 300;
constexpr double left = 60;
constexpr double right = 24;
constexpr double top = 34;
constexpr double bottom = 46;
constexpr int ticks = 5;
constexpr double bar_height = 26;
/// Room for the names beside bars.
constexpr double names_width = 150;
/// Okabe and Ito's, which most colour-blind people can tell apart.
constexpr std::array<const char*, 7> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                             "#56b4e9", "#e69f00", "#000000"};

const char* colour(std::size_t index) {
  return colours[index % colours.size()];
}

/// @returns a round number not below `value`, so that ticks fall on readable ones.
double round_up(double value) {
  if (!(value > 0) || !std::isfinite(value)) return 1;
  double unit = 1;
  while (unit * 10 < value) unit *= 10;
  while (unit > value) unit /= 10;
  for (const double factor : {1.0, 1.5, 2.0, 2.5, 4.0, 5.0, 7.5, 10.0}) {
    if (unit * factor >= value) return unit * factor;
  }
  return unit * 10;
}

std::string label(double x, double y, const char* anchor, const std::string& text,
                  const char* kind = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                     anchor, kind, escape_markup(text));
}

std::string rule(double x1, double y1, double x2, double y2, const char* kind) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1, x2,
      y2, kind);
}

std::string begin(double chart_height, const std::string& title) {
  return fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n", width,
                     chart_height, escape_markup(title)) +
         label(left, 18, "start", title, " class=\"title\"");
}

/// From values to the place on the page.
struct Frame {
  double x_max = 1;
  double y_max = 1;
  [[nodiscard]] double x(double value) const {
    return left + value / x_max * (width - left - right);
  }
  [[nodiscard]] double y(double value) const {
    return height - bottom - value / y_max * (height - top - bottom);
  }
};

std::string axes(const Frame& frame, const ChartLabels& labels) {
  std::string text;
  for (int tick = 0; tick <= ticks; ++tick) {
    const double x = frame.x_max * tick / ticks;
    const double y = frame.y_max * tick / ticks;
    text += rule(left, frame.y(y), width - right, frame.y(y), "grid");
    text += label(left - 6, frame.y(y) + 4, "end", fmt::format("{:g}", y));
    text += label(frame.x(x), height - bottom + 16, "middle", fmt::format("{:g}", x));
  }
  text += label(width - right, height - 10, "end", labels.x);
  text += label(6, 18, "start", labels.y);
  return text;
}

std::string legend(const std::vector<ChartLine>& lines) {
  std::string text;
  double x = left;
  for (std::size_t index = 0; index < lines.size(); ++index) {
    text +=
        fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"10\" height=\"10\" fill=\"{}\"/>\n", x,
                    height - 19, colour(index));
    text += label(x + 14, height - 10, "start", lines[index].name);
    x += 30 + 7.0 * static_cast<double>(lines[index].name.size());
  }
  return text;
}

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string escaped;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += letter;
    }
  }
  return escaped;
}

std::string line_chart(const ChartLabels& labels, const std::vector<ChartLine>& lines) {
  Frame frame{0, 0};
  for (const ChartLine& line : lines) {
    for (const auto& [x, y] : line.points) {
      frame.x_max = std::max(frame.x_max, x);
      frame.y_max = std::max(frame.y_max, y);
    }
  }
  frame = {round_up(frame.x_max), round_up(frame.y_max)};
  std::string text = begin(height, labels.title) + axes(frame, labels);
  for (std::size_t index = 0; index < lines.size(); ++index) {
    text += fmt::format("<polyline fill=\"none\" stroke=\"{}\" points=\"", colour(index));
    for (const auto& [x, y] : lines[index].points) {
      text += fmt::format("{:.1f},{:.1f} ", frame.x(x), frame.y(y));
    }
    text += "\"/>\n";
    if (!lines[index].is_marked) continue;
    for (const auto& [x, y] : lines[index].points) {
      text += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n",
                          frame.x(x), frame.y(y), colour(index));
    }
  }
  return text + legend(lines) + "</svg>\n";
}

std::string bar_chart(const ChartLabels& labels, const std::vector<ChartBar>& bars) {
  double most = 0;
  for (const ChartBar& bar : bars) {
    const double reach = std::isfinite(bar.value.half_width) ? bar.value.half_width : 0;
    most = std::max(most, bar.value.mean + reach);
  }
  const double scale = (width - names_width - right) / round_up(most);
  const double chart_height = top + bar_height * static_cast<double>(bars.size()) + 24;
  std::string text = begin(chart_height, labels.title);
  for (std::size_t index = 0; index < bars.size(); ++index) {
    const Interval& value = bars[index].value;
    const double y = top + bar_height * static_cast<double>(index);
    text += label(names_width - 6, y + 14, "end", bars[index].name);
    text += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" fill=\"{}\"/>\n",
        names_width, y + 2, value.mean * scale, colour(index));
    if (!std::isfinite(value.half_width)) continue;
    const double low = names_width + std::max(value.mean - value.half_width, 0.0) * scale;
    const double high = names_width + (value.mean + value.half_width) * scale;
    text += rule(low, y + 10, high, y + 10, "whisker");
    for (const double end : {low, high}) text += rule(end, y + 5, end, y + 15, "whisker");
  }
  for (int tick = 0; tick <= ticks; ++tick) {
    const double value = round_up(most) * tick / ticks;
    text +=
        label(names_width + value * scale, chart_height - 8, "middle", fmt::format("{:g}", value));
  }
  return text + label(width - right, 18, "end", labels.x) + "</svg>\n";
}

}  // namespace signalbox::sim
