#include "simulations/lab/compare_report.hpp"

#include <fmt/format.h>

#include <cmath>

#include "simulations/figures/html_page.hpp"
#include "simulations/figures/svg_chart.hpp"

namespace signalbox::sim {
namespace {

std::string print_value(const Interval& value) {
  if (!std::isfinite(value.half_width)) return fmt::format("{:.4f}", value.mean);
  return fmt::format("{:.4f} +- {:.4f}", value.mean, value.half_width);
}

std::string print_difference(const Interval& value) {
  if (!std::isfinite(value.half_width)) return fmt::format("{:+.4f}", value.mean);
  return fmt::format("{:+.4f} +- {:.4f}", value.mean, value.half_width);
}

std::string describe_seeds(const std::vector<std::uint64_t>& seeds) {
  if (seeds.size() == 1) return fmt::format("seed {}", seeds.front());
  return fmt::format("seeds {}-{}", seeds.front(), seeds.back());
}

/// Calls `row` for every class, measure and variant; the first variant has no difference.
template <class Row>
void for_each_row(const Comparison& comparison, Row row) {
  for (const Priority priority : comparison.classes) {
    for (const Measure measure : all_measures) {
      for (const VariantRuns& variant : comparison.variants) {
        const bool is_base = &variant == &comparison.variants.front();
        std::optional<Interval> against;
        if (!is_base) {
          against = difference(comparison.variants.front(), variant, priority, measure);
        }
        row(priority, measure, variant, estimate(variant, priority, measure), against);
      }
    }
  }
}

std::string page_table(const Comparison& comparison) {
  std::string text = fmt::format(
      "<table><tr><th>class</th><th>measure</th><th>variant</th><th>value</th>"
      "<th>difference from {}</th></tr>\n",
      escape_markup(comparison.variants.front().name));
  for_each_row(comparison, [&](Priority priority, Measure measure, const VariantRuns& variant,
                               const Interval& value, const std::optional<Interval>& against) {
    text += fmt::format("<tr><td>{}</td><td>{}, {}</td><td>{}</td><td>{}</td><td{}>{}</td></tr>\n",
                        to_string(priority), to_string(measure), unit_of(measure),
                        escape_markup(variant.name), print_value(value),
                        against && against->excludes_zero() ? " class=\"sure\"" : "",
                        against ? print_difference(*against) : "");
  });
  return text + "</table>\n";
}

std::string page_bars(const Comparison& comparison) {
  std::string text;
  for (const Priority priority : comparison.classes) {
    for (const Measure measure : {Measure::mean_wait, Measure::p99_wait}) {
      std::vector<ChartBar> bars;
      for (const VariantRuns& variant : comparison.variants) {
        bars.push_back({variant.name, estimate(variant, priority, measure)});
      }
      text += bar_chart({fmt::format("{}: {}", to_string(priority), to_string(measure)), "s", ""},
                        bars);
    }
  }
  std::vector<ChartBar> use;
  for (const VariantRuns& variant : comparison.variants) {
    use.push_back({variant.name, interval_of(variant.utilisation)});
  }
  return text + bar_chart({"slots in use", "share of their time", ""}, use);
}

/// Up to the 99th percentile: the last hundredth would squeeze the rest into a corner.
std::string page_distributions(const Comparison& comparison) {
  std::string text;
  for (const Priority priority : comparison.classes) {
    std::vector<ChartLine> lines;
    for (const VariantRuns& variant : comparison.variants) {
      ChartLine line{variant.name, {}};
      const auto& quantiles = variant.wait_quantiles[to_index(priority)];
      for (std::size_t percent = 0; percent < 100; ++percent) {
        line.points.emplace_back(quantiles[percent], static_cast<double>(percent));
      }
      lines.push_back(std::move(line));
    }
    text += line_chart(
        {fmt::format("{}: calls that waited no longer", to_string(priority)), "wait, s", "%"},
        lines);
  }
  return text;
}

std::string page_line(const Comparison& comparison) {
  std::vector<ChartLine> lines;
  for (const VariantRuns& variant : comparison.variants) {
    ChartLine line{variant.name, {}};
    for (std::size_t point = 0; point < variant.line.size(); ++point) {
      line.points.emplace_back(static_cast<double>(point * variant.line_seconds),
                               variant.line[point]);
    }
    lines.push_back(std::move(line));
  }
  return line_chart({"calls waiting, all classes", "time, s", "calls"}, lines);
}

}  // namespace

std::string print_comparison(const Comparison& comparison) {
  std::string text =
      fmt::format("scenario {}  {}  first: {}\n\n", comparison.scenario,
                  describe_seeds(comparison.seeds), comparison.variants.front().name);
  std::size_t name_width = 7;
  for (const VariantRuns& variant : comparison.variants) {
    name_width = std::max(name_width, variant.name.size());
  }
  text += fmt::format("{:<12} {:<12} {:<{}} {:>22} {:>23}\n", "CLASS", "MEASURE", "VARIANT",
                      name_width, "VALUE", "DIFFERENCE");
  for_each_row(comparison, [&](Priority priority, Measure measure, const VariantRuns& variant,
                               const Interval& value, const std::optional<Interval>& against) {
    const std::string change =
        against ? print_difference(*against) + (against->excludes_zero() ? " *" : "  ") : "";
    text += fmt::format("{:<12} {:<12} {:<{}} {:>22} {:>23}\n", to_string(priority),
                        to_string(measure), variant.name, name_width, print_value(value), change);
  });
  text += "\nwaits in s; +- is the 95 % interval over seeds; * the seeds agree that it is not 0\n";
  for (const VariantRuns& variant : comparison.variants) {
    text += fmt::format("trace {:016x} {}\n", variant.trace_hash, variant.name);
  }
  return text;
}

std::string print_comparison_csv(const Comparison& comparison) {
  std::string text =
      "variant,class,measure,seeds,mean,half_width,difference,difference_half_width\n";
  for_each_row(comparison, [&](Priority priority, Measure measure, const VariantRuns& variant,
                               const Interval& value, const std::optional<Interval>& against) {
    text += fmt::format("\"{}\",{},{},{},{:.6f},{:.6f},", variant.name, to_string(priority),
                        to_string(measure), comparison.seeds.size(), value.mean, value.half_width);
    text += against ? fmt::format("{:.6f},{:.6f}\n", against->mean, against->half_width) : ",\n";
  });
  return text;
}

std::string print_comparison_page(const Comparison& comparison) {
  const std::string body = fmt::format(
      "<h1>{}</h1>\n<p>The same calls, {}, under each variant. Intervals are 95 % over seeds; "
      "differences are "
      "taken seed by seed and are bold where they are more than chance. The curves are those of "
      "seed {}.</p>\n<h2>Waits</h2>\n{}<h2>Distribution</h2>\n{}<h2>Line</h2>\n{}"
      "<h2>Figures</h2>\n{}",
      escape_markup(comparison.scenario), describe_seeds(comparison.seeds),
      comparison.seeds.front(), page_bars(comparison), page_distributions(comparison),
      page_line(comparison), page_table(comparison));
  return html_page(comparison.scenario + ": comparison", body);
}

}  // namespace signalbox::sim
