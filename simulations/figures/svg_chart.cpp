#include "simulations/figures/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace signalbox::sim {
namespace {

constexpr double width = 640;
constexpr double plot_height = 300;
constexpr double left = 60;
constexpr double right = 24;
constexpr double top = 34;
constexpr double bottom = 46;
constexpr int steps_max = 5;
constexpr double row_height = 18;
constexpr double bar_height = 26;
/// Room for the values behind bars.
constexpr double values_width = 64;
constexpr double letter_width = 6.6;
/// Scales of more decades are cut at their lower end.
constexpr int decades_max = 5;
/// Okabe and Ito's, which most colour-blind people can tell apart.
constexpr std::array<const char*, 7> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                             "#56b4e9", "#e69f00", "#000000"};
/// So that a line under another shows through.
constexpr std::array<const char*, 4> dashes{"none", "8 3", "3 2", "9 3 2 3"};

const char* colour(std::size_t index) {
  return colours[index % colours.size()];
}

const char* dash(std::size_t index) {
  return dashes[index % dashes.size()];
}

double text_width(const std::string& text) {
  return letter_width * static_cast<double>(text.size());
}

/// From zero to a round number, in round steps.
struct Axis {
  double end = 1;
  double step = 0.2;

  [[nodiscard]] int steps() const { return static_cast<int>(end / step + 0.5); }
};

/// @returns an axis of up to five steps that reaches `value`.
Axis axis_to(double value) {
  if (!(value > 0) || !std::isfinite(value)) return {};
  const double wanted = value / steps_max;
  double unit = 1;
  while (unit * 10 <= wanted) unit *= 10;
  while (unit > wanted) unit /= 10;
  double step = unit * 10;
  for (const double factor : {5.0, 2.5, 2.0, 1.0}) {
    if (unit * factor >= wanted) step = unit * factor;
  }
  return {std::ceil(value / step - 1e-9) * step, step};
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
  Axis across;
  Axis up;
  /// Where decades begin; zero = x is even.
  double first_decade = 0;

  [[nodiscard]] double x(double value) const {
    const double share = first_decade > 0
                             ? std::log10(std::max(value, first_decade) / first_decade) /
                                   std::log10(across.end / first_decade)
                             : value / across.end;
    return left + share * (width - left - right);
  }
  [[nodiscard]] double y(double value) const {
    return plot_height - bottom - value / up.end * (plot_height - top - bottom);
  }
};

Frame frame_of(const ChartLabels& labels, const std::vector<ChartLine>& lines) {
  double x_max = 0;
  double y_max = 0;
  double x_least = 0;
  for (const ChartLine& line : lines) {
    for (const auto& [x, y] : line.points) {
      x_max = std::max(x_max, x);
      y_max = std::max(y_max, y);
      if (x > 0) x_least = x_least > 0 ? std::min(x_least, x) : x;
    }
  }
  if (labels.scale == ChartScale::even || x_max <= 0) return {axis_to(x_max), axis_to(y_max)};
  double last = 1;
  while (last < x_max) last *= 10;
  while (last / 10 >= x_max) last /= 10;
  double first = last / 10;
  for (int decades = 1; decades < decades_max && first > x_least; ++decades) first /= 10;
  return {{last, last}, axis_to(y_max), first};
}

/// The labels of x, and the grid that stands on decades.
std::string x_axis(const Frame& frame) {
  constexpr double label_y = plot_height - bottom + 16;
  std::string text;
  if (frame.first_decade <= 0) {
    for (int step = 0; step <= frame.across.steps(); ++step) {
      const double x = frame.across.step * step;
      text += label(frame.x(x), label_y, "middle", fmt::format("{:g}", x));
    }
    return text;
  }
  for (double x = frame.first_decade; x < frame.across.end * 1.5; x *= 10) {
    const char* edge = x < frame.first_decade * 1.5 ? "\u2264 " : "";
    text += rule(frame.x(x), frame.y(0), frame.x(x), frame.y(frame.up.end), "grid");
    text += label(frame.x(x), label_y, "middle", fmt::format("{}{:.6g}", edge, x));
  }
  return text;
}

std::string axes(const Frame& frame, const ChartLabels& labels) {
  std::string text;
  for (int step = 0; step <= frame.up.steps(); ++step) {
    const double y = frame.up.step * step;
    text += rule(left, frame.y(y), width - right, frame.y(y), "grid");
    text += label(left - 6, frame.y(y) + 4, "end", fmt::format("{:g}", y));
  }
  text += x_axis(frame) + label(width - right, plot_height - 12, "end", labels.x);
  return text + label(6, 18, "start", labels.y);
}

/// In rows beside and under the name of the x axis. @param height grows by the rows.
std::string legend(const std::vector<ChartLine>& lines, const std::string& beside, double& height) {
  std::string text;
  double x = left;
  double most = width - right - text_width(beside) - 12;
  for (std::size_t index = 0; index < lines.size(); ++index) {
    const double reach = 28 + text_width(lines[index].name);
    if (x > left && x + reach > most) {
      x = left;
      height += row_height;
      most = width - right;
    }
    const double y = height - 16;
    text += fmt::format(
        "<path d=\"M{:.1f} {:.1f}h20\" stroke=\"{}\" stroke-width=\"3\" "
        "stroke-dasharray=\"{}\"/>\n",
        x, y, colour(index), dash(index));
    text += label(x + 24, y + 4, "start", lines[index].name);
    x += reach + 14;
  }
  return text;
}

std::string draw(const ChartLine& line, std::size_t index, const Frame& frame) {
  std::string text =
      fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-dasharray=\"{}\" points=\"",
                  colour(index), dash(index));
  for (const auto& [x, y] : line.points) {
    text += fmt::format("{:.1f},{:.1f} ", frame.x(x), frame.y(y));
  }
  text += "\"/>\n";
  if (!line.is_marked) return text;
  for (const auto& [x, y] : line.points) {
    text += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n", frame.x(x),
                        frame.y(y), colour(index));
  }
  return text;
}

double reach_of(const Interval& value) {
  return value.mean + (std::isfinite(value.half_width) ? value.half_width : 0);
}

}  // namespace

const char* const chart_style = R"(svg text{font:12px system-ui,sans-serif;fill:#47535f}
svg .title{font-size:14px;font-weight:600;fill:#1d2530}svg .value{fill:#1d2530}
.grid{stroke:#e4e9ee}.whisker{stroke:#1d2530;stroke-width:1.5}polyline{stroke-width:1.8;stroke-linejoin:round}
)";

std::string svg_file(const std::string& chart) {
  // The first tag ends at the first bracket: attributes' own are escaped.
  const std::size_t tag = chart.find('>');
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + chart.substr(4, tag - 4) + "><style>" +
         chart_style + "</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>" +
         chart.substr(tag + 1);
}

std::string short_number(double value) {
  double unit = 100;
  for (int decimals = 0; decimals < 4; ++decimals, unit /= 10) {
    if (value >= unit || value <= 0) return fmt::format("{:.{}f}", value, decimals);
  }
  return fmt::format("{:.4f}", value);
}

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
  const Frame frame = frame_of(labels, lines);
  double height = plot_height;
  const std::string names = legend(lines, labels.x, height);
  std::string text = begin(height, labels.title) + axes(frame, labels);
  for (std::size_t index = 0; index < lines.size(); ++index) {
    text += draw(lines[index], index, frame);
  }
  return text + names + "</svg>\n";
}

std::string bar_chart(const ChartLabels& labels, const std::vector<ChartBar>& bars) {
  double most = 0;
  double names_width = 80;
  for (const ChartBar& bar : bars) {
    most = std::max(most, reach_of(bar.value));
    names_width = std::max(names_width, std::min(text_width(bar.name) + 12, width / 2));
  }
  const Axis axis = axis_to(most);
  const double scale = (width - names_width - right - values_width) / axis.end;
  const double chart_height = top + bar_height * static_cast<double>(bars.size()) + 24;
  std::string text = begin(chart_height, labels.title);
  for (std::size_t index = 0; index < bars.size(); ++index) {
    const Interval& value = bars[index].value;
    const double y = top + bar_height * static_cast<double>(index);
    text += label(names_width - 6, y + 14, "end", bars[index].name);
    text += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" fill=\"{}\"/>\n",
        names_width, y + 2, value.mean * scale, colour(index));
    const double high = names_width + reach_of(value) * scale;
    text += label(high + 6, y + 14, "start", short_number(value.mean), " class=\"value\"");
    if (!std::isfinite(value.half_width)) continue;
    const double low = names_width + std::max(value.mean - value.half_width, 0.0) * scale;
    text += rule(low, y + 10, high, y + 10, "whisker");
    for (const double end : {low, high}) text += rule(end, y + 5, end, y + 15, "whisker");
  }
  for (int step = 0; step <= axis.steps(); ++step) {
    const double value = axis.step * step;
    text +=
        label(names_width + value * scale, chart_height - 8, "middle", fmt::format("{:g}", value));
  }
  return text + label(width - right, 18, "end", labels.x) + "</svg>\n";
}

}  // namespace signalbox::sim
