// Goal: figures and pictures say what was measured, up to the last value, and for people. Method:
// textbook values, small samples whose curves are plain, the markup's text, the files of a run.
#include <catch2/catch.hpp>
#include <cmath>

#include "simulations/figures/curves.hpp"
#include "simulations/figures/interval.hpp"
#include "simulations/figures/line_curve.hpp"
#include "simulations/figures/report_section.hpp"
#include "simulations/figures/run_report.hpp"
#include "simulations/figures/svg_chart.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {

TEST_CASE("interval: Student's t over few values", "[simulations][figures]") {
  const std::array<double, 5> values{1, 2, 3, 4, 5};
  const auto interval = sim::interval_of(values);
  CHECK(interval.mean == 3);
  // t(4) = 2.776; the standard error is sqrt(2.5 / 5).
  CHECK(std::abs(interval.half_width - 2.776 * std::sqrt(0.5)) < 1e-12);
  CHECK(interval.excludes_zero());
  CHECK_FALSE(sim::Interval{1, 1.5}.excludes_zero());
  const std::array<double, 1> one{7};
  CHECK(std::isinf(sim::interval_of(one).half_width));
  CHECK_FALSE(sim::interval_of(one).excludes_zero());
}

TEST_CASE("interval: the table never promises more than it knows", "[simulations][figures]") {
  CHECK(sim::student_t(1) == 12.706);
  CHECK(sim::student_t(30) == 2.042);
  CHECK(sim::student_t(39) == 2.042);
  CHECK(sim::student_t(40) == 2.021);
  CHECK(sim::student_t(5'000) == 1.962);
  for (std::size_t degrees = 2; degrees < 2'000; ++degrees) {
    CHECK(sim::student_t(degrees) <= sim::student_t(degrees - 1));
  }
}

TEST_CASE("chart: names cannot break out of the markup", "[simulations][figures]") {
  CHECK(sim::escape_markup("a<b> & \"c\"") == "a&lt;b&gt; &amp; &quot;c&quot;");
  const std::string chart = sim::bar_chart({"<t>", "s", ""}, {{"<script>", sim::Interval{0, 0}}});
  CHECK(chart.find("<script>") == std::string::npos);
  CHECK(chart.find("nan") == std::string::npos);
}

TEST_CASE("line curve: any length in a bounded number of points", "[simulations][figures]") {
  sim::LineCurve curve;
  constexpr std::uint64_t seconds = 10'000;
  for (std::uint64_t second = 0; second < seconds; ++second) {
    curve.sampled(second, {.queued = {second, 1, 0}, .running = 2});
  }
  const auto means = curve.waiting();
  CHECK(means.size() <= sim::LineCurve::points_max);
  CHECK(curve.seconds_per_point() == 32);
  CHECK(means.size() == (seconds + 31) / 32);
  // The seconds 0 to 31, and one more of another class in each.
  CHECK(means.front() == 16.5);
  CHECK(means[100] == 3'200 + 16.5);
  CHECK(curve.waiting(Priority::workflow)[100] == 1);
  CHECK(curve.waiting(Priority::interactive)[100] == 3'200 + 15.5);
  CHECK(curve.running()[100] == 2);
}

TEST_CASE("curves: a distribution reaches the longest wait", "[simulations][figures]") {
  sim::WaitSample waits;
  CHECK(sim::distribution_of(waits).empty());
  for (int second = 1; second <= 2'000; ++second) waits.add(std::chrono::seconds{second});
  const auto points = sim::distribution_of(waits);
  // 0.1 %, every per cent up to 99, and the last hundredth in tenths of it.
  CHECK(points.size() == 1 + 99 + 10);
  CHECK(points.front() == std::pair{2.0, 0.1});
  CHECK(points[50] == std::pair{1'000.0, 50.0});
  CHECK(points[99] == std::pair{1'980.0, 99.0});
  CHECK(points.back() == std::pair{2'000.0, 100.0});
}

TEST_CASE("curves: neighbours become one, and time has a unit of its own",
          "[simulations][figures]") {
  CHECK(sim::smoothed({1, 3, 5, 7, 9}, 2) == std::vector<double>{2, 6, 9});
  CHECK(sim::smoothed({1, 3}, 1) == std::vector<double>{1, 3});
  CHECK(sim::unit_for(300).name == "s");
  CHECK(sim::unit_for(7'200).name == "min");
  const sim::TimeUnit hours = sim::unit_for(14'400);
  CHECK(hours.name == "h");
  CHECK(sim::over_time({4, 2}, 1'800, hours) == sim::ChartPoints{{0, 4}, {0.5, 2}});
}

TEST_CASE("chart: decades reach the last value, and zeros stand at the edge",
          "[simulations][figures]") {
  const sim::ChartLabels labels{"t", "wait, s", "%", sim::ChartScale::decades};
  const std::string chart =
      sim::line_chart(labels, {{"a", {{0, 10}, {0.05, 50}, {5, 99}, {50, 100}}}});
  for (const char* label : {">\u2264 0.01<", ">0.1<", ">1<", ">10<", ">100<"}) {
    INFO(label);
    CHECK_THAT(chart, Catch::Contains(label));
  }
  CHECK(chart.find(">1000<") == std::string::npos);
  // The plot is 556 wide and begins at 60: 50 s are at lg(50 / 0.01) / 4 of it.
  CHECK_THAT(chart, Catch::Contains("points=\"60.0,") && Catch::Contains(" 574.2,34.0 "));
  // Nobody waited: an even scale has a place for that.
  CHECK_THAT(sim::line_chart(labels, {{"a", {{0, 10}, {0, 100}}}}),
             Catch::Contains("60.0,232.0 60.0,34.0"));
}

TEST_CASE("chart: bars tell their values, and axes end at round numbers",
          "[simulations][figures]") {
  const std::string chart =
      sim::bar_chart({"t", "s", ""}, {{"a", {3.14159, 0.5}}, {"b", {38.2, 1}}});
  for (const char* label : {">3.14<", ">38.2<", ">0<", ">10<", ">40<"}) {
    INFO(label);
    CHECK_THAT(chart, Catch::Contains(label));
  }
  CHECK(chart.find(">50<") == std::string::npos);
  CHECK(sim::short_number(0) == "0");
  CHECK(sim::short_number(0.0123) == "0.0123");
  CHECK(sim::short_number(2'276.4) == "2276");
}

TEST_CASE("chart: a legend of many names takes more rows", "[simulations][figures]") {
  std::vector<sim::ChartLine> lines;
  for (int index = 0; index < 9; ++index) {
    lines.push_back({"a variant with a long name " + std::to_string(index), {{1, 1}}});
  }
  CHECK_THAT(sim::line_chart({"t", "x", "y"}, {lines.front()}), Catch::Contains("0 0 640 300\""));
  CHECK_THAT(sim::line_chart({"t", "x", "y"}, lines), Catch::Contains("0 0 640 372\""));
}

TEST_CASE("report: names of files are plain, and each is one file's", "[simulations][figures]") {
  CHECK(sim::file_word("utilisation local:LM-Studio/8b") == "utilisation_local_lm_studio_8b");
  const auto files =
      sim::chart_files({{"h", "", {{"a", "<svg a></svg>"}, {"a", "<svg b></svg>"}}}});
  REQUIRE(files.size() == 2);
  CHECK(files[0].first == "a.svg");
  CHECK(files[1].first == "a_2.svg");
}

TEST_CASE("report: a run's page has its classes, charts and faults", "[simulations][figures]") {
  const sim::Scenario scenario = load_scenario("tests/golden/faults_13.yaml");
  REQUIRE_FALSE(scenario.faults.empty());
  sim::LineCurve line;
  const auto figures = run_scenario(scenario, {.seed = scenario.seed, .observer = &line});
  const auto files = sim::run_report_files(scenario, figures, line);
  REQUIRE(files.size() == 4);
  CHECK(files[0].first == "wait_distribution.svg");
  CHECK(files[1].first == "queue.svg");
  CHECK(files[2].first == "utilisation.svg");
  CHECK(files[3].first == "report.html");
  const std::string& page = files[3].second;
  CHECK_THAT(page, Catch::StartsWith("<!doctype html>") && Catch::EndsWith("</body></html>\n"));
  CHECK_THAT(page, Catch::Contains("<h2>Faults</h2>"));
  for (const char* foreign : {"http:", "https:", "<script", "<link", "nan", "inf\""}) {
    INFO(foreign);
    CHECK(page.find(foreign) == std::string::npos);
  }
  const std::string csv = sim::print_faults(scenario);
  CHECK(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) ==
        1 + scenario.faults.size());
}

TEST_CASE("report: faults are told with their beginnings and ends", "[simulations][figures]") {
  sim::Scenario scenario;
  scenario.faults = {
      {sim::FaultKind::slots, "gpu", std::chrono::seconds{9}, std::chrono::milliseconds{1'500}, 2},
      {sim::FaultKind::slow_start,
       "box",
       std::chrono::seconds{3},
       {},
       0,
       std::chrono::microseconds{7}}};
  CHECK(sim::print_faults(scenario) ==
        "kind,target,at_us,until_us,amount,delay_us,word\n"
        "slow_start,box,3000000,3000000,,7,\n"
        "slots,gpu,9000000,10500000,2,,\n");
}

}  // namespace signalbox::testing
