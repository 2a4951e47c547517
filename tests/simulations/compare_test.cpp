// Goal: a comparison says how far variants differ on the same calls, and no more than the seeds
// support. Method: intervals against textbook values, small scenarios whose outcome is plain, the
// report's text.
#include <catch2/catch.hpp>
#include <cmath>

#include "simulations/figures/line_curve.hpp"
#include "simulations/figures/svg_chart.hpp"
#include "simulations/lab/compare.hpp"
#include "simulations/lab/compare_report.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

sim::Comparison compare_slots(std::uint64_t tasks) {
  sim::Scenario scenario = load_example("three_classes");
  scenario.tasks = tasks;
  scenario.warmup_tasks = tasks / 20;
  std::size_t runs = 0;
  auto comparison = sim::compare(sim::make_variants(scenario, {}, {4, 5}), {1, 2, 3, 4}, "",
                                 [&](std::size_t done) { CHECK(done == ++runs); });
  if (comparison.has_error()) FAIL(comparison.error().message);
  CHECK(runs == 8);
  return std::move(*comparison);
}

}  // namespace

TEST_CASE("interval: Student's t over few values", "[simulations][compare]") {
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

TEST_CASE("interval: the table never promises more than it knows", "[simulations][compare]") {
  CHECK(sim::student_t(1) == 12.706);
  CHECK(sim::student_t(30) == 2.042);
  CHECK(sim::student_t(39) == 2.042);
  CHECK(sim::student_t(40) == 2.021);
  CHECK(sim::student_t(5'000) == 1.962);
  for (std::size_t degrees = 2; degrees < 2'000; ++degrees) {
    CHECK(sim::student_t(degrees) <= sim::student_t(degrees - 1));
  }
}

TEST_CASE("compare: variants are every policy with every number of slots",
          "[simulations][compare]") {
  const sim::Scenario scenario = load_example("three_classes");
  const auto variants = sim::make_variants(scenario, {"strict"}, {4, 5});
  REQUIRE(variants.size() == 2);
  CHECK(variants[0].name == "strict, 4 slots");
  CHECK(variants[1].name == "strict, 5 slots");
  CHECK(variants[1].scenario.profiles.at("shared").max_concurrent == 5);
  const auto as_written = sim::make_variants(scenario, {}, {});
  REQUIRE(as_written.size() == 1);
  CHECK(as_written[0].name == "as written");
  CHECK(as_written[0].scenario == scenario);
}

TEST_CASE("compare: a slot more shortens every wait, seed by seed", "[simulations][compare]") {
  const auto comparison = compare_slots(3'000);
  REQUIRE(comparison.variants.size() == 2);
  CHECK(comparison.classes.size() == 3);
  for (const Priority priority : comparison.classes) {
    const auto change = sim::difference(comparison.variants[0], comparison.variants[1], priority,
                                        sim::Measure::mean_wait);
    INFO(to_string(priority));
    CHECK(change.mean < 0);
    CHECK(change.excludes_zero());
    // Pairing is what makes four seeds enough.
    const auto alone = sim::estimate(comparison.variants[0], priority, sim::Measure::mean_wait);
    CHECK(change.mean + alone.mean > 0);
  }
  for (const double share : comparison.variants[1].utilisation) CHECK(share < 0.75);
}

TEST_CASE("compare: a variant does not differ from itself", "[simulations][compare]") {
  const auto comparison = compare_slots(500);
  for (const sim::Measure measure : sim::all_measures) {
    const auto none = sim::difference(comparison.variants[0], comparison.variants[0],
                                      Priority::workflow, measure);
    CHECK(none.mean == 0);
    CHECK(none.half_width == 0);
  }
}

TEST_CASE("compare: text, CSV and page say the same and are whole", "[simulations][compare]") {
  const auto comparison = compare_slots(500);
  CHECK(sim::print_comparison(comparison) == sim::print_comparison(compare_slots(500)));
  const std::string csv = sim::print_comparison_csv(comparison);
  // A header; three classes, five measures, two variants.
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + 3 * 5 * 2);
  const std::string page = sim::print_comparison_page(comparison);
  CHECK_THAT(page, Catch::StartsWith("<!doctype html>"));
  CHECK_THAT(page, Catch::EndsWith("</body></html>\n"));
  CHECK_THAT(page, Catch::Contains("<h1>three_classes</h1>"));
  for (const char* foreign : {"http:", "https:", "<script", "<link", "nan", "inf\""}) {
    INFO(foreign);
    CHECK(page.find(foreign) == std::string::npos);
  }
  const auto count = [&](const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) {
      ++found;
    }
    return found;
  };
  // Mean and p99 of three classes and the use; three distributions and the line.
  CHECK(count("<svg ") == 7 + 4);
  CHECK(count("<svg ") == count("</svg>"));
  CHECK(count("<polyline ") == 2 * 4);
  CHECK(count("<tr>") == 1 + 3 * 5 * 2);
}

TEST_CASE("chart: names cannot break out of the markup", "[simulations][compare]") {
  CHECK(sim::escape_markup("a<b> & \"c\"") == "a&lt;b&gt; &amp; &quot;c&quot;");
  const std::string chart = sim::bar_chart({"<t>", "s", ""}, {{"<script>", sim::Interval{0, 0}}});
  CHECK(chart.find("<script>") == std::string::npos);
  CHECK(chart.find("nan") == std::string::npos);
}

TEST_CASE("line curve: any length in a bounded number of points", "[simulations][compare]") {
  sim::LineCurve curve;
  constexpr std::uint64_t seconds = 10'000;
  for (std::uint64_t second = 0; second < seconds; ++second) {
    curve.sampled(second, {.queued = {second, 1, 0}, .running = 2});
  }
  const auto means = curve.means();
  CHECK(means.size() <= sim::LineCurve::points_max);
  CHECK(curve.seconds_per_point() == 32);
  CHECK(means.size() == (seconds + 31) / 32);
  // The seconds 0 to 31, and one more of another class in each.
  CHECK(means.front() == 16.5);
  CHECK(means[100] == 3'200 + 16.5);
}

}  // namespace signalbox::testing
