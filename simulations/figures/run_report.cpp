#include "simulations/figures/run_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "simulations/figures/curves.hpp"
#include "simulations/figures/html_page.hpp"
#include "simulations/figures/svg_chart.hpp"

namespace signalbox::sim {
namespace {

constexpr std::size_t use_points_max = 120;

std::vector<Priority> classes_of(const RunFigures& figures) {
  std::vector<Priority> classes;
  for (const Priority priority : all_priorities) {
    if (figures.classes[to_index(priority)].submitted > 0) classes.push_back(priority);
  }
  return classes;
}

/// In the order of their beginnings.
std::vector<Fault> faults_of(const Scenario& scenario) {
  std::vector<Fault> faults = scenario.faults;
  std::stable_sort(faults.begin(), faults.end(),
                   [](const Fault& left, const Fault& right) { return left.at < right.at; });
  return faults;
}

ReportSection waits(const RunFigures& figures) {
  std::vector<ChartLine> lines;
  for (const Priority priority : classes_of(figures)) {
    lines.push_back({std::string{to_string(priority)},
                     distribution_of(figures.classes[to_index(priority)].waits)});
  }
  return {
      "Waits",
      "",
      {{"wait_distribution",
        line_chart({"calls that waited no longer", "wait, s", "%", ChartScale::decades}, lines)}}};
}

ReportSection over_the_run(const RunFigures& figures, const LineCurve& line) {
  const TimeUnit unit = unit_for(line.seconds());
  const std::string time = "time, " + unit.name;
  std::vector<ChartLine> queues;
  for (const Priority priority : classes_of(figures)) {
    queues.push_back({std::string{to_string(priority)},
                      over_time(line.waiting(priority), line.seconds_per_point(), unit)});
  }
  // Slots come and go with every call: a line through fewer points can be read.
  const std::vector<double> running = line.running();
  const std::size_t width = running.size() / use_points_max + 1;
  ChartLine use{"calls in slots",
                over_time(smoothed(running, width), width * line.seconds_per_point(), unit)};
  double slots = 0;
  for (const ProfileFigures& profile : figures.profiles) slots += profile.slots;
  const double end = use.points.empty() ? 0 : use.points.back().first;
  return {"Over time",
          fmt::format("<p>Means of {} s, of slots of {} s.</p>\n", line.seconds_per_point(),
                      width * line.seconds_per_point()),
          {{"queue", line_chart({"calls waiting", time, "calls"}, queues)},
           {"utilisation", line_chart({"slots in use", time, "slots"},
                                      {std::move(use), {"slots", {{0, slots}, {end, slots}}}})}}};
}

std::string in_s(Duration time) {
  return fmt::format("{:.3f}", to_seconds(time));
}

std::string class_table(const RunFigures& figures) {
  std::string text =
      "<table><tr><th>class</th><th>calls</th><th>done</th><th>refused</th><th>timed out</th>"
      "<th>failed</th><th>waited</th><th>mean wait, s</th><th>p50</th><th>p95</th><th>p99</th>"
      "<th>longest</th></tr>\n";
  for (const Priority priority : classes_of(figures)) {
    const ClassFigures& row = figures.classes[to_index(priority)];
    text += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        to_string(priority), row.submitted, row.done, row.rejected,
        row.queue_timeouts + row.run_timeouts, row.failed + row.cancelled, row.waited,
        in_s(row.mean_wait()), in_s(row.waits.quantile(500)), in_s(row.waits.quantile(950)),
        in_s(row.waits.quantile(990)), in_s(row.waits.max()));
  }
  return text + "</table>\n";
}

std::string profile_table(const RunFigures& figures) {
  std::string text = "<table><tr><th>profile</th><th>slots</th><th>in use</th></tr>\n";
  for (const ProfileFigures& profile : figures.profiles) {
    const std::uint32_t share = utilisation(profile, figures.length);
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}.{:02} %</td></tr>\n",
                        escape_markup(profile.name), profile.slots_at_end.value_or(profile.slots),
                        share / 100, share % 100);
  }
  return text + "</table>\n";
}

std::string fault_table(const Scenario& scenario) {
  if (scenario.faults.empty()) return {};
  std::string text =
      "<h2>Faults</h2>\n<table class=\"named\"><tr><th>fault</th><th>of</th><th>from, s</th>"
      "<th>to, s</th></tr>\n";
  for (const Fault& fault : faults_of(scenario)) {
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        to_string(fault.kind),
                        fault.target.empty() ? "broker" : escape_markup(fault.target),
                        in_s(fault.at), in_s(fault.at + fault.lasts));
  }
  return text + "</table>\n";
}

}  // namespace

std::string print_faults(const Scenario& scenario) {
  std::string text = "kind,target,at_us,until_us,amount,delay_us,word\n";
  for (const Fault& fault : faults_of(scenario)) {
    const FaultShape& shape = shape_of(fault.kind);
    text += fmt::format(
        "{},{},{},{},{},{},{}\n", shape.name, fault.target, to_us(fault.at),
        to_us(fault.at + fault.lasts), shape.amount_key.empty() ? "" : std::to_string(fault.amount),
        shape.delay_key.empty() ? "" : std::to_string(to_us(fault.delay)), fault.word);
  }
  return text;
}

ReportFiles run_report_files(const Scenario& scenario, const RunFigures& figures,
                             const LineCurve& line) {
  const std::vector<ReportSection> sections{waits(figures), over_the_run(figures, line)};
  const std::string body = fmt::format(
      "<h1>{}</h1>\n<p>Seed {}: {} calls in {} s, on the virtual clock.</p>\n{}{}{}{}"
      "<p>Trace {:016x}.</p>\n",
      escape_markup(figures.scenario), figures.seed, figures.tasks, in_s(figures.length),
      class_table(figures), profile_table(figures), print_sections(sections), fault_table(scenario),
      figures.trace_hash);
  ReportFiles files = chart_files(sections);
  files.emplace_back("report.html", html_page(figures.scenario, body));
  return files;
}

}  // namespace signalbox::sim
