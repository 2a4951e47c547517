#include "simulations/lab/compare_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simulations/figures/html_page.hpp"
#include "simulations/figures/svg_chart.hpp"
#include "simulations/lab/compare_charts.hpp"

namespace signalbox::sim {
namespace {

/// Two digits of what is uncertain, and no more than six behind the point.
int decimals_for(const Interval& value) {
  constexpr int most = 6;
  if (!std::isfinite(value.half_width) || value.half_width <= 0) return 4;
  int decimals = 0;
  for (double uncertain = value.half_width; uncertain < 9.5 && decimals < most; ++decimals) {
    uncertain *= 10;
  }
  return decimals;
}

std::string print_interval(const Interval& value, bool is_difference) {
  const int decimals = decimals_for(value);
  const std::string mean = is_difference ? fmt::format("{:+.{}f}", value.mean, decimals)
                                         : fmt::format("{:.{}f}", value.mean, decimals);
  if (!std::isfinite(value.half_width)) return mean;
  return mean + fmt::format(" +- {:.{}f}", value.half_width, decimals);
}

std::string describe_seeds(const std::vector<std::uint64_t>& seeds) {
  if (seeds.size() == 1) return fmt::format("seed {}", seeds.front());
  return fmt::format("seeds {}-{}", seeds.front(), seeds.back());
}

/// What a figure is of, in print: "mean wait, s".
std::string describe(const FigureRef& figure) {
  const std::string unit = unit_of(figure);
  return unit.empty() ? title_of(figure) : title_of(figure) + ", " + unit;
}

/// One line of the table: a figure of a variant.
struct TableRow {
  const FigureRef* figure = nullptr;
  std::string variant;
  Interval value;
  std::optional<Interval> against;
};

bool is_equal_for_all(const Comparison& comparison, std::size_t figure) {
  const auto& first = comparison.variants.front().values[figure];
  return !first.empty() &&
         std::all_of(comparison.variants.begin(), comparison.variants.end(),
                     [&](const VariantRuns& runs) { return runs.values[figure] == first; });
}

/// @param is_short leaves out what says nothing new.
std::vector<TableRow> table_of(const Comparison& comparison, bool is_short) {
  const VariantRuns& base = comparison.variants.front();
  std::vector<TableRow> rows;
  for (std::size_t index = 0; index < comparison.figures.size(); ++index) {
    const FigureRef& figure = comparison.figures[index];
    const bool is_one = is_short && comparison.variants.size() > 1;
    if (is_one && is_equal_for_all(comparison, index)) {
      rows.push_back({&figure, "all the same", *estimate(base, index), std::nullopt});
      continue;
    }
    for (const VariantRuns& variant : comparison.variants) {
      const auto value = estimate(variant, index);
      if (!value || (is_short && variant.same_as)) continue;
      const bool is_base = &variant == &base;
      rows.push_back({&figure, variant.name, *value,
                      is_base ? std::nullopt : difference(base, variant, index)});
    }
  }
  return rows;
}

std::vector<std::string> notes_of(const Comparison& comparison) {
  std::vector<std::string> notes;
  for (const VariantRuns& variant : comparison.variants) {
    if (!variant.same_as) continue;
    const std::string& other = comparison.variants[*variant.same_as].name;
    const bool is_word = other.find(' ') == std::string::npos;
    notes.push_back(fmt::format("{}: same runs as {}, call by call, with every seed", variant.name,
                                is_word ? other : "\"" + other + "\""));
  }
  return notes;
}

std::string page_table(const Comparison& comparison) {
  std::string text = fmt::format(
      "<table class=\"named\"><tr><th>of</th><th>figure</th><th>variant</th><th>value</th>"
      "<th>difference from {}</th></tr>\n",
      escape_markup(comparison.variants.front().name));
  const FigureRef* last = nullptr;
  for (const TableRow& row : table_of(comparison, true)) {
    const bool is_next = row.figure != last;
    last = row.figure;
    text += fmt::format("<tr{}><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td{}>{}</td></tr>\n",
                        is_next ? " class=\"first\"" : "",
                        is_next ? escape_markup(owner_of(*row.figure)) : "",
                        is_next ? describe(*row.figure) : "", escape_markup(row.variant),
                        print_interval(row.value, false),
                        row.against && row.against->excludes_zero() ? " class=\"sure\"" : "",
                        row.against ? print_interval(*row.against, true) : "");
  }
  return text + "</table>\n";
}

}  // namespace

std::string print_comparison(const Comparison& comparison) {
  const auto rows = table_of(comparison, true);
  std::size_t owner_width = 11;
  std::size_t figure_width = 16;
  std::size_t name_width = 7;
  for (const TableRow& row : rows) {
    owner_width = std::max(owner_width, owner_of(*row.figure).size());
    figure_width = std::max(figure_width, describe(*row.figure).size());
    name_width = std::max(name_width, row.variant.size());
  }
  std::string text =
      fmt::format("scenario {}  {}  first: {}\n\n", comparison.scenario,
                  describe_seeds(comparison.seeds), comparison.variants.front().name);
  const auto print_line = [&](const std::string& owner, const std::string& figure,
                              const std::string& variant, const std::string& value,
                              const std::string& against) {
    std::string line = fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>20}  {:>22}", owner, owner_width,
                                   figure, figure_width, variant, name_width, value, against);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  print_line("OF", "FIGURE", "VARIANT", "VALUE", "DIFFERENCE  ");
  std::string last;
  for (const TableRow& row : rows) {
    const std::string owner = owner_of(*row.figure);
    if (!last.empty() && owner != last) text += "\n";
    last = owner;
    const std::string against = row.against ? print_interval(*row.against, true) +
                                                  (row.against->excludes_zero() ? " *" : "  ")
                                            : std::string{};
    print_line(owner, describe(*row.figure), row.variant, print_interval(row.value, false),
               against);
  }
  text += "\n+- is the 95 % interval over seeds; * the seeds agree that it is not 0\n";
  for (const std::string& note : notes_of(comparison)) text += note + "\n";
  for (const VariantRuns& variant : comparison.variants) {
    text += fmt::format("trace {:016x} {}\n", variant.trace_hashes.front(), variant.name);
  }
  return text;
}

std::string print_comparison_csv(const Comparison& comparison) {
  std::string text =
      "variant,figure,class,profile,seeds,mean,half_width,difference,difference_half_width\n";
  const auto cells = [](const std::optional<Interval>& value) {
    if (!value) return std::string{","};
    const bool is_known = std::isfinite(value->half_width);
    return fmt::format("{:.6f},", value->mean) +
           (is_known ? fmt::format("{:.6f}", value->half_width) : "");
  };
  for (const TableRow& row : table_of(comparison, false)) {
    const FigureRef& figure = *row.figure;
    text +=
        fmt::format("\"{}\",{},{},{},{},{},{}\n", row.variant, figure_words()[figure.kind],
                    figure.priority ? to_string(*figure.priority) : std::string_view{},
                    figure.profile, comparison.seeds.size(), cells(row.value), cells(row.against));
  }
  return text;
}

std::string print_comparison_page(const Comparison& comparison) {
  std::string notes;
  for (const std::string& note : notes_of(comparison)) {
    notes += "<li>" + escape_markup(note) + "</li>\n";
  }
  if (!notes.empty()) notes = "<ul>\n" + notes + "</ul>\n";
  const std::string body = fmt::format(
      "<h1>{}</h1>\n<p>The same calls, {}, under each variant. Intervals are 95 % over seeds; "
      "differences are taken seed by seed, and are bold where they are more than chance.</p>\n{}"
      "{}<h2>Figures</h2>\n{}",
      escape_markup(comparison.scenario), describe_seeds(comparison.seeds), notes,
      print_sections(comparison_sections(comparison)), page_table(comparison));
  return html_page(comparison.scenario + ": comparison", body);
}

ReportFiles comparison_files(const Comparison& comparison) {
  ReportFiles files = chart_files(comparison_sections(comparison));
  files.emplace_back("report.html", print_comparison_page(comparison));
  files.emplace_back("compare.csv", print_comparison_csv(comparison));
  return files;
}

}  // namespace signalbox::sim
