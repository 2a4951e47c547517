#include "simulations/lab/experiment_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "simulations/figures/html_page.hpp"
#include "simulations/figures/svg_chart.hpp"

namespace signalbox::sim {
namespace {

/// Whole numbers whole, everything else with six digits that count.
std::string print_number(double value) {
  const bool is_whole = value == std::floor(value) && std::abs(value) < 1e15;
  return is_whole ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

std::string print_value(const Interval& value) {
  if (!std::isfinite(value.half_width)) return print_number(value.mean);
  return print_number(value.mean) + fmt::format(" +- {:.2g}", value.half_width);
}

std::string describe_effort(const ExperimentResult& result) {
  std::string text = result.seeds.size() == 1
                         ? fmt::format("seed {}", result.seeds.front())
                         : fmt::format("seeds {}-{}", result.seeds.front(), result.seeds.back());
  if (result.tasks) text += fmt::format(", {} calls each", *result.tasks);
  return text;
}

std::string describe(const Experiment& experiment, const Expectation& expectation) {
  std::string text = fmt::format("{}: {} ", experiment.variants[expectation.variant].name,
                                 to_string(expectation.figure));
  const std::string value = print_number(expectation.value);
  switch (expectation.relation) {
    case Relation::is:
      text += "is ";
      break;
    case Relation::at_most:
      text += "at most ";
      break;
    case Relation::at_least:
      text += "at least ";
      break;
  }
  if (!expectation.times) {
    text += value;
  } else {
    if (expectation.value != 1) text += value + " times ";
    text += "that of " + experiment.variants[*expectation.times].name;
  }
  if (expectation.relation == Relation::is && expectation.within > 0) {
    text += fmt::format(" within {:g} %", expectation.within * 100);
  }
  return text;
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::fails:
      return "FAILS";
    case Verdict::left_out:
      return "skipped: no traces";
  }
  return "";
}

std::string summarise(const ExperimentResult& result) {
  const auto count = [&](Verdict verdict) {
    return std::count_if(result.findings.begin(), result.findings.end(),
                         [&](const Finding& finding) { return finding.verdict == verdict; });
  };
  const auto held = count(Verdict::holds);
  const auto failed = count(Verdict::fails);
  const auto left_out = count(Verdict::left_out);
  std::string text = failed > 0
                         ? fmt::format("the claim fails: {} of {} parts", failed, held + failed)
                         : fmt::format("the claim holds: {} of {} parts", held, held);
  if (left_out > 0) text += fmt::format(", {} skipped for want of traces", left_out);
  return text + "\n";
}

/// Figures that are not shown of all variants are shown of those that something is expected of.
bool is_shown(const Experiment& experiment, std::size_t variant, std::size_t figure) {
  if (figure < experiment.shown_figures) return true;
  const FigureRef& ref = experiment.figures[figure];
  return std::any_of(experiment.expectations.begin(), experiment.expectations.end(),
                     [&](const Expectation& expectation) {
                       const bool is_meant =
                           expectation.variant == variant || expectation.times == variant;
                       return is_meant && expectation.figure == ref;
                     });
}

/// Calls `row` for every variant and figure that it has.
template <class Row>
void for_each_value(const Experiment& experiment, const ExperimentResult& result, Row row) {
  for (std::size_t variant = 0; variant < experiment.variants.size(); ++variant) {
    for (std::size_t figure = 0; figure < experiment.figures.size(); ++figure) {
      const auto& values = result.variants[variant].values[figure];
      if (values.empty() || !is_shown(experiment, variant, figure)) continue;
      row(experiment.variants[variant].name, experiment.figures[figure], values);
    }
  }
}

std::string page_figures(const Experiment& experiment, const ExperimentResult& result) {
  std::string text = "<table><tr><th>variant</th><th>figure</th><th>value</th></tr>\n";
  for_each_value(
      experiment, result,
      [&](const std::string& variant, const FigureRef& figure, const std::vector<double>& values) {
        text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escape_markup(variant),
                            escape_markup(to_string(figure)), print_value(interval_of(values)));
      });
  return text + "</table>\n";
}

std::string page_findings(const Experiment& experiment, const ExperimentResult& result) {
  std::string text = "<table><tr><th>claim</th><th>expected</th><th>found</th><th></th></tr>\n";
  for (std::size_t index = 0; index < experiment.expectations.size(); ++index) {
    const Finding& finding = result.findings[index];
    const bool is_left_out = finding.verdict == Verdict::left_out;
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"sure\">{}</td></tr>\n",
                        escape_markup(describe(experiment, experiment.expectations[index])),
                        is_left_out ? "" : print_number(finding.expected),
                        is_left_out ? "" : print_value(finding.found), to_string(finding.verdict));
  }
  return text + "</table>\n";
}

std::string page_bars(const Experiment& experiment, const ExperimentResult& result) {
  std::string text;
  for (std::size_t figure = 0; figure < experiment.figures.size(); ++figure) {
    std::vector<ChartBar> bars;
    for (std::size_t variant = 0; variant < experiment.variants.size(); ++variant) {
      const auto& values = result.variants[variant].values[figure];
      if (values.empty() || !is_shown(experiment, variant, figure)) continue;
      bars.push_back({experiment.variants[variant].name, interval_of(values)});
    }
    if (bars.size() < 2) continue;
    text += bar_chart({to_string(experiment.figures[figure]), "", ""}, bars);
  }
  return text;
}

std::string page_plot(const Experiment& experiment, const ExperimentResult& result,
                      const ExperimentPlot& plot) {
  const auto index_of = [&](const FigureRef& figure) {
    const auto& figures = experiment.figures;
    return static_cast<std::size_t>(std::find(figures.begin(), figures.end(), figure) -
                                    figures.begin());
  };
  std::vector<ChartLine> lines;
  for (std::size_t variant = 0; variant < experiment.variants.size(); ++variant) {
    const auto& across = result.variants[variant].values[index_of(plot.x)];
    const auto& up = result.variants[variant].values[index_of(plot.y)];
    if (across.empty() || up.empty()) continue;
    const auto& [name, scenario, is_certain, line] = experiment.variants[variant];
    const std::string& of_line = line.empty() ? name : line;
    auto found = std::find_if(lines.begin(), lines.end(),
                              [&](const ChartLine& known) { return known.name == of_line; });
    if (found == lines.end()) found = lines.insert(lines.end(), {of_line, {}, true});
    found->points.emplace_back(interval_of(across).mean, interval_of(up).mean);
  }
  return line_chart({to_string(plot.y) + " against " + to_string(plot.x), to_string(plot.x), ""},
                    lines);
}

}  // namespace

std::string print_experiment(const Experiment& experiment, const ExperimentResult& result) {
  std::string text = fmt::format("{}: {}\n{}\n\n{}\n\n", experiment.name, experiment.title,
                                 experiment.claim, describe_effort(result));
  std::size_t name_width = 7;
  for (const ExperimentVariant& variant : experiment.variants) {
    name_width = std::max(name_width, variant.name.size());
  }
  text += fmt::format("{:<{}}  {:<32} {:>24}\n", "VARIANT", name_width, "FIGURE", "VALUE");
  for_each_value(
      experiment, result,
      [&](const std::string& variant, const FigureRef& figure, const std::vector<double>& values) {
        text += fmt::format("{:<{}}  {:<32} {:>24}\n", variant, name_width, to_string(figure),
                            print_value(interval_of(values)));
      });
  text += "\n";
  for (std::size_t index = 0; index < experiment.expectations.size(); ++index) {
    const Finding& finding = result.findings[index];
    text += fmt::format("{:<18} {}", to_string(finding.verdict),
                        describe(experiment, experiment.expectations[index]));
    if (finding.verdict != Verdict::left_out) {
      text += "; found " + print_value(finding.found);
      if (experiment.expectations[index].times) {
        text += " against " + print_number(finding.expected);
      }
    }
    text += "\n";
  }
  return text + "\n" + summarise(result);
}

std::string print_experiment_csv(const Experiment& experiment, const ExperimentResult& result) {
  std::string text = "variant,figure,class,client,profile,seeds,mean,half_width\n";
  for_each_value(
      experiment, result,
      [&](const std::string& variant, const FigureRef& figure, const std::vector<double>& values) {
        const Interval value = interval_of(values);
        text += fmt::format("\"{}\",{},{},{},{},{},{:.9g},", variant, figure_words()[figure.kind],
                            figure.priority ? to_string(*figure.priority) : std::string_view{},
                            figure.client, figure.profile, values.size(), value.mean);
        text += std::isfinite(value.half_width) ? fmt::format("{:.6g}\n", value.half_width) : "\n";
      });
  return text;
}

std::string print_experiment_page(const Experiment& experiment, const ExperimentResult& result) {
  std::string body = fmt::format(
      "<h1>{}</h1>\n<p>{}</p>\n<p>{}: {}. Intervals are 95 % over seeds.</p>\n<h2>Claim</h2>\n",
      escape_markup(experiment.title), escape_markup(experiment.claim),
      escape_markup(experiment.name), describe_effort(result));
  body += page_findings(experiment, result) + "<p>" + summarise(result) + "</p>\n<h2>Charts</h2>\n";
  for (const ExperimentPlot& plot : experiment.plots) {
    body += page_plot(experiment, result, plot);
  }
  body += page_bars(experiment, result) + "<h2>Figures</h2>\n" + page_figures(experiment, result);
  return html_page(experiment.name, body);
}

}  // namespace signalbox::sim
