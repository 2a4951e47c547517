// Goal: a comparison says how far variants differ on the same calls, and no more than the seeds
// support. Method: intervals against textbook values, small scenarios whose outcome is plain, the
// report's text.
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "simulations/lab/compare.hpp"
#include "simulations/lab/compare_report.hpp"
#include "simulations/lab/variant_change.hpp"
#include "simulations/scenario/recording.hpp"
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

sim::Comparison compare_all(const std::vector<sim::Variant>& variants,
                            const std::vector<std::uint64_t>& seeds) {
  auto comparison = sim::compare(variants, seeds, "", [](std::size_t) {});
  if (comparison.has_error()) FAIL(comparison.error().message);
  return std::move(*comparison);
}

std::size_t index_of(const sim::Comparison& comparison, const char* word, Priority priority) {
  const auto index = sim::find_figure(comparison, {sim::figure_kind(word), priority});
  REQUIRE(index);
  return *index;
}

double value_of(const sim::Comparison& comparison, std::size_t variant, const char* word,
                Priority priority) {
  const auto value =
      sim::estimate(comparison.variants[variant], index_of(comparison, word, priority));
  REQUIRE(value);
  return value->mean;
}

/// Of the second variant from the first.
sim::Interval change_of(const sim::Comparison& comparison, const char* word, Priority priority) {
  const auto change = sim::difference(comparison.variants[0], comparison.variants[1],
                                      index_of(comparison, word, priority));
  REQUIRE(change);
  return *change;
}

}  // namespace

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
    INFO(to_string(priority));
    for (const char* word : {"mean_wait_s", "mean_latency_s"}) {
      const auto change = change_of(comparison, word, priority);
      CHECK(change.mean < 0);
      CHECK(change.excludes_zero());
      // Pairing is what makes four seeds enough.
      CHECK(change.mean + value_of(comparison, 0, word, priority) > 0);
    }
    // A call takes 2 s on average beside its wait, and the median less than the rest.
    const double wait = value_of(comparison, 1, "mean_wait_s", priority);
    const double latency = value_of(comparison, 1, "mean_latency_s", priority);
    CHECK(std::abs(latency - wait - 2) < 0.15);
    CHECK(value_of(comparison, 1, "p99_latency_s", priority) >
          value_of(comparison, 1, "p95_latency_s", priority));
  }
  const auto use =
      sim::find_figure(comparison, {sim::figure_kind("utilisation"), {}, {}, "shared"});
  REQUIRE(use);
  for (const double share : comparison.variants[1].values[*use]) CHECK(share < 0.75);
}

TEST_CASE("compare: a variant does not differ from itself", "[simulations][compare]") {
  const auto comparison = compare_slots(500);
  for (std::size_t figure = 0; figure < comparison.figures.size(); ++figure) {
    const auto none = sim::difference(comparison.variants[0], comparison.variants[0], figure);
    REQUIRE(none);
    CHECK(none->mean == 0);
    CHECK(none->half_width == 0);
  }
}

TEST_CASE("compare: in the office every policy has something to decide", "[simulations][compare]") {
  const sim::Scenario scenario = load_example("home_office");
  const auto comparison = compare_all(
      sim::make_variants(scenario, {"strict", "aging", "fair", "sjf", "swap"}, {}), {1});
  for (const auto& runs : comparison.variants) {
    INFO(runs.name);
    CHECK_FALSE(runs.same_as);
  }
  // It loads models, and nothing of it is ever sent back.
  CHECK(sim::find_figure(comparison, {sim::figure_kind("swaps_per_call")}));
  CHECK_FALSE(
      sim::find_figure(comparison, {sim::figure_kind("returns_per_call"), Priority::background}));
}

TEST_CASE("compare: variants that made the same runs are said to, and drawn once",
          "[simulations][compare]") {
  sim::Scenario scenario = load_example("three_classes");
  scenario.tasks = 300;
  scenario.warmup_tasks = 0;
  const auto comparison =
      compare_all(sim::make_variants(scenario, {"strict", "aging", "swap", "sjf"}, {}), {1, 2});
  CHECK_FALSE(comparison.variants[0].same_as);
  CHECK_FALSE(comparison.variants[1].same_as);
  CHECK(comparison.variants[2].same_as == 0U);
  CHECK(comparison.variants[3].same_as == 0U);
  const std::string text = sim::print_comparison(comparison);
  CHECK_THAT(text, Catch::Contains("\nswap: same runs as strict, call by call, with every seed\n"));
  CHECK(text.find("  swap  ") == std::string::npos);
  const std::string page = sim::print_comparison_page(comparison);
  CHECK_THAT(page, Catch::Contains("<li>sjf: same runs as strict"));
  CHECK(page.find(">sjf</text>") == std::string::npos);
  CHECK(page.find(">aging</text>") != std::string::npos);
  // For other programs all of it is there.
  CHECK_THAT(sim::print_comparison_csv(comparison),
             Catch::Contains("\"sjf\",mean_wait_s,workflow,"));
}

TEST_CASE("compare: slots that nobody uses are no different runs, but less used",
          "[simulations][compare]") {
  sim::Scenario scenario = load_example("three_classes");
  scenario.tasks = 300;
  scenario.warmup_tasks = 0;
  const auto comparison = compare_all(sim::make_variants(scenario, {}, {200, 400}), {1});
  CHECK(comparison.variants[0].trace_hashes == comparison.variants[1].trace_hashes);
  CHECK_FALSE(comparison.variants[1].same_as);
}

TEST_CASE("compare: what preemption throws away stands beside what it saves",
          "[simulations][compare]") {
  sim::ChangeableScenario scenario{read_project_file("examples/scenarios/home_office.yaml"),
                                   "home_office.yaml"};
  REQUIRE(scenario.violations().empty());
  const auto change =
      sim::read_variant_change("preempting={profiles: {gpu: {preempt: background}}}");
  REQUIRE(change.violations.empty());
  CHECK(change.change.name == "preempting");
  const auto changed = scenario.with(change.change);
  REQUIRE(changed.violations.empty());
  const auto comparison =
      compare_all({{"as written", scenario.scenario()}, {"preempting", changed.scenario}}, {1, 2});
  CHECK(change_of(comparison, "mean_wait_s", Priority::interactive).mean < 0);
  CHECK(value_of(comparison, 0, "returns_per_call", Priority::background) == 0);
  CHECK(value_of(comparison, 1, "returns_per_call", Priority::background) > 0);
  CHECK(value_of(comparison, 1, "wasted_s_per_call", Priority::background) > 0);
}

TEST_CASE("compare: a class that only one variant has is told of that one alone",
          "[simulations][compare]") {
  const sim::ChangeableScenario scenario{read_project_file("examples/scenarios/one_slot.yaml"),
                                         "one_slot.yaml"};
  const auto change = sim::read_variant_change(
      "busier={tasks: 200, warmup_tasks: 0, clients: [{name: batch, class: background, profile: "
      "desk, model: small-model, tasks: 20, arrival: {law: constant, every_s: 1}}]}");
  REQUIRE(change.violations.empty());
  const auto changed = scenario.with(change.change);
  REQUIRE(changed.violations.empty());
  sim::Scenario plain = scenario.scenario();
  plain.tasks = 200;
  plain.warmup_tasks = 0;
  const auto comparison = compare_all({{"plain", plain}, {"busier", changed.scenario}}, {1, 2});
  const auto figure =
      sim::find_figure(comparison, {sim::figure_kind("mean_wait_s"), Priority::background});
  REQUIRE(figure);
  CHECK_FALSE(sim::estimate(comparison.variants[0], *figure));
  CHECK(sim::estimate(comparison.variants[1], *figure));
  CHECK_FALSE(sim::difference(comparison.variants[0], comparison.variants[1], *figure));
  CHECK_THAT(sim::print_comparison(comparison),
             Catch::Contains("background    mean wait, s      busier"));
}

TEST_CASE("compare: text, CSV and page say the same and are whole", "[simulations][compare]") {
  const auto comparison = compare_slots(500);
  CHECK(sim::print_comparison(comparison) == sim::print_comparison(compare_slots(500)));
  const std::string csv = sim::print_comparison_csv(comparison);
  // A header; eight figures of three classes and the use of the profile, two variants.
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + (3 * 8 + 1) * 2);
  CHECK_THAT(csv, Catch::Contains("\"5 slots\",p95_latency_s,workflow,,4,"));
  CHECK_THAT(csv, Catch::Contains("\"5 slots\",utilisation,,shared,4,"));
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
  // Mean and p99 of waits and latencies of three classes, and the use; three distributions and the
  // line.
  CHECK(count("<svg ") == 13 + 4);
  CHECK(count("<svg ") == count("</svg>"));
  CHECK(count("<polyline ") == 2 * 4);
  // All calls were done, which is said once for both variants.
  CHECK(count("</tr>") == 1 + 3 * 7 * 2 + 3 + 2);
  CHECK(count(">all the same<") == 3);
}

TEST_CASE("compare: every chart is a file that stands alone", "[simulations][compare]") {
  const auto comparison = compare_slots(300);
  std::set<std::string> names;
  for (const auto& [name, text] : sim::comparison_files(comparison)) {
    INFO(name);
    CHECK(names.insert(name).second);
    if (!name.ends_with(".svg")) continue;
    CHECK_THAT(text, Catch::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="));
    CHECK_THAT(text, Catch::Contains("<style>") && Catch::EndsWith("</svg>\n"));
  }
  CHECK(names.size() == 17 + 2);
  for (const char* name : {"report.html", "compare.csv", "queue.svg", "utilisation_shared.svg",
                           "wait_distribution_interactive.svg", "p99_latency_s_background.svg"}) {
    INFO(name);
    CHECK(names.contains(name));
  }
}

TEST_CASE("compare: changes that are none are refused with their place", "[simulations][compare]") {
  const auto slip = [](const std::string& text) {
    const auto read = sim::read_variant_change(text);
    if (!read.violations.empty()) return config::to_string(read.violations.front());
    const sim::ChangeableScenario scenario{read_project_file("examples/scenarios/one_slot.yaml"),
                                           "one_slot.yaml"};
    const auto changed = scenario.with(read.change);
    return changed.violations.empty() ? "" : config::to_string(changed.violations.front());
  };
  CHECK(slip("plain={}").empty());
  CHECK(slip("plain=").empty());
  CHECK_THAT(slip("preempt"), Catch::Contains("is not NAME={...}"));
  CHECK_THAT(slip("={seed: 2}"), Catch::Contains("is not NAME={...}"));
  CHECK_THAT(slip("a=[1]"), Catch::StartsWith("--variant \"a\": must be a map"));
  CHECK_THAT(slip("a={seed: 2"), Catch::StartsWith("--variant \"a\""));
  CHECK_THAT(slip("a={profiles: {desk: {polciy: fair}}}"),
             Catch::StartsWith("--variant \"a\": profiles.desk.polciy: unknown key"));
}

TEST_CASE("compare: calls of the past are changed like any scenario, and stay the calls they were",
          "[simulations][compare]") {
  std::vector<sim::RecordedCall> calls;
  for (int index = 0; index < 40; ++index) {
    sim::RecordedCall call;
    call.queued_at = std::chrono::seconds{index};
    call.admitted_at = call.queued_at;
    call.service = std::chrono::milliseconds{2'000 + 37 * index};
    call.profile = "local:chat";
    call.target = "m";
    call.owner = index % 2 == 0 ? "" : "ann";
    call.priority = index % 3 == 0 ? Priority::interactive : Priority::background;
    calls.push_back(call);
  }
  const sim::Scenario recorded = sim::replay_scenario(calls, "replay");
  const sim::ChangeableScenario scenario{recorded};
  for (const auto& violation : scenario.violations()) FAIL(config::to_string(violation));
  CHECK(scenario.scenario() == recorded);
  const auto none = scenario.with(sim::read_variant_change("none={}").change);
  REQUIRE(none.violations.empty());
  CHECK(none.scenario == recorded);
  const auto fewer = scenario.with(
      sim::read_variant_change("fewer={profiles: {'local:chat': {max_concurrent: 1}}}").change);
  REQUIRE(fewer.violations.empty());
  CHECK(fewer.scenario.profiles.at("local:chat").max_concurrent == 1);
  CHECK(fewer.scenario.clients == recorded.clients);
}

}  // namespace signalbox::testing
