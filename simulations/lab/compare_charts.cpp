#include "simulations/lab/compare_charts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "simulations/figures/svg_chart.hpp"

namespace signalbox::sim {
namespace {

/// Calls `draw` for every variant whose runs are its own.
template <class Draw>
void for_each_drawn(const Comparison& comparison, Draw draw) {
  for (const VariantRuns& variant : comparison.variants) {
    if (!variant.same_as) draw(variant);
  }
}

void add_bars(ReportSection& section, const Comparison& comparison, const FigureRef& figure) {
  const auto index = find_figure(comparison, figure);
  if (!index) return;
  std::vector<ChartBar> bars;
  for_each_drawn(comparison, [&](const VariantRuns& variant) {
    if (const auto value = estimate(variant, *index)) bars.push_back({variant.name, *value});
  });
  if (bars.empty()) return;
  const std::string unit = unit_of(figure);
  const std::string title =
      owner_of(figure) + ": " + title_of(figure) + (unit.empty() ? "" : ", " + unit);
  section.charts.push_back({file_word(to_string(figure)), bar_chart({title, "", ""}, bars)});
}

ReportSection class_bars(const Comparison& comparison, const char* heading,
                         std::initializer_list<const char*> words) {
  ReportSection section{heading, {}, {}};
  for (const Priority priority : comparison.classes) {
    for (const char* word : words) add_bars(section, comparison, {figure_kind(word), priority});
  }
  return section;
}

ReportSection server_bars(const Comparison& comparison) {
  ReportSection section{"Servers and slots", {}, {}};
  for (const char* word : {"utilisation", "slots_at_end", "swaps_per_call"}) {
    for (const FigureRef& figure : comparison.figures) {
      if (figure.kind == figure_kind(word)) add_bars(section, comparison, figure);
    }
  }
  return section;
}

ReportSection distributions(const Comparison& comparison) {
  ReportSection section{
      "Distribution of waits",
      fmt::format("<p>Of seed {}, up to the longest wait.</p>\n", comparison.seeds.front()),
      {}};
  for (const Priority priority : comparison.classes) {
    std::vector<ChartLine> lines;
    for_each_drawn(comparison, [&](const VariantRuns& variant) {
      lines.push_back({variant.name, variant.distributions[to_index(priority)]});
    });
    section.charts.push_back(
        {fmt::format("wait_distribution_{}", to_string(priority)),
         line_chart({fmt::format("{}: calls that waited no longer", to_string(priority)), "wait, s",
                     "%", ChartScale::decades},
                    lines)});
  }
  return section;
}

ReportSection lines_over_time(const Comparison& comparison) {
  double seconds = 0;
  for_each_drawn(comparison, [&](const VariantRuns& variant) {
    seconds = std::max(seconds, variant.line.seconds());
  });
  const TimeUnit unit = unit_for(seconds);
  std::vector<ChartLine> lines;
  for_each_drawn(comparison, [&](const VariantRuns& variant) {
    lines.push_back(
        {variant.name, over_time(variant.line.waiting(), variant.line.seconds_per_point(), unit)});
  });
  return {"Line",
          fmt::format("<p>Of seed {}.</p>\n", comparison.seeds.front()),
          {{"queue",
            line_chart({"calls waiting, all classes", "time, " + unit.name, "calls"}, lines)}}};
}

}  // namespace

std::vector<ReportSection> comparison_sections(const Comparison& comparison) {
  return {class_bars(comparison, "Waits", {"mean_wait_s", "p99_wait_s"}),
          class_bars(comparison, "Latency, from the call to its end",
                     {"mean_latency_s", "p99_latency_s"}),
          distributions(comparison),
          lines_over_time(comparison),
          server_bars(comparison),
          class_bars(comparison, "Calls sent back", {"returns_per_call", "wasted_s_per_call"})};
}

}  // namespace signalbox::sim
