// Goal: what the experiments claim is true, and a claim that is not would be found out. Method:
// every experiment that comes with the program is run in its quick version (in full as a slow
// test); judging is checked on numbers made up for it, reading on files with slips.
#include <catch2/catch.hpp>
#include <map>

#include "simulations/lab/builtin_experiments.hpp"
#include "simulations/lab/experiment_reader.hpp"
#include "simulations/lab/experiment_report.hpp"
#include "simulations/lab/experiment_run.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using sim::Expectation;
using sim::Relation;
using sim::Verdict;

sim::Experiment load_builtin(const std::string& name) {
  auto file = sim::read_experiment(name, sim::find_builtin_file);
  for (const auto& violation : file.violations) FAIL_CHECK(config::to_string(violation));
  REQUIRE(file.violations.empty());
  return std::move(file.experiment);
}

sim::ExperimentResult run(const sim::Experiment& experiment, const sim::Effort& effort,
                          const std::string& traces) {
  auto result = sim::run_experiment(
      experiment,
      {.seeds = sim::first_seeds(effort.seeds), .tasks = effort.tasks, .traces = traces},
      [](std::size_t) {});
  if (result.has_error()) FAIL(result.error().message);
  return std::move(*result);
}

void check_claims(sim::Effort sim::Experiment::*effort) {
  const auto traces = find_traces();
  if (!traces) WARN("skipped, where they need them: no traces");
  for (const std::string& name : sim::builtin_experiments()) {
    const sim::Experiment experiment = load_builtin(name);
    const auto result = run(experiment, experiment.*effort, traces.value_or(""));
    INFO(sim::print_experiment(experiment, result));
    CHECK(result.holds());
  }
}

/// Two variants of a queue that nobody waits in.
constexpr const char* scenario_text = R"(
version: 1
tasks: 40
profiles: {line: {max_concurrent: 1}}
backends: [{name: server, service: {law: const, value_s: 1}}]
clients:
  - {name: caller, class: workflow, profile: line, model: server, arrival: {law: constant, every_s: 2}}
)";

constexpr const char* experiment_head = R"(
version: 1
title: A quiet desk
claim: Nobody waits.
scenario: desk.yaml
full: {seeds: 2, tasks: 40}
quick: {seeds: 2, tasks: 20}
variants:
  - {name: quiet}
  - {name: busy, change: {clients: [{name: caller, arrival: {every_s: 0.5}}]}}
)";

sim::ExperimentFile read(const std::string& rest) {
  const std::map<std::string, std::string> files{{"x/experiment.yaml", experiment_head + rest},
                                                 {"x/desk.yaml", scenario_text}};
  return sim::read_experiment("x", [&](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    return found->second;
  });
}

std::string slips_of(const std::string& rest) {
  std::string text;
  for (const auto& violation : read(rest).violations) text += config::to_string(violation) + "\n";
  return text;
}

Verdict verdict(const Expectation& expectation, const std::vector<double>& values,
                const std::vector<double>& others = {}) {
  return sim::judge(expectation, values, others).verdict;
}

}  // namespace

TEST_CASE("experiments: their claims hold in short", "[simulations][experiment]") {
  check_claims(&sim::Experiment::quick);
}

TEST_CASE("experiments: their claims hold in full", "[.slow][experiment]") {
  check_claims(&sim::Experiment::full);
}

TEST_CASE("experiment: a value is judged by its tolerance or three standard errors",
          "[simulations][experiment]") {
  const Expectation is_four{.relation = Relation::is, .value = 4, .within = 0.01};
  CHECK(verdict(is_four, {4.03}) == Verdict::holds);
  CHECK(verdict(is_four, {4.05}) == Verdict::fails);
  CHECK(verdict(is_four, {4.1, 4.1, 4.1}) == Verdict::fails);
  // A mean of 4.1 with a standard error of 0.058.
  CHECK(verdict(is_four, {4.0, 4.1, 4.2}) == Verdict::holds);
  CHECK(verdict(is_four, {}) == Verdict::fails);
  const Expectation exactly{.relation = Relation::is, .value = 7, .within = 0};
  CHECK(verdict(exactly, {7}) == Verdict::holds);
  CHECK(verdict(exactly, {7.000001}) == Verdict::fails);
}

TEST_CASE("experiment: a bound holds only beyond chance", "[simulations][experiment]") {
  const Expectation at_most{.relation = Relation::at_most, .value = 4};
  CHECK(verdict(at_most, {4}) == Verdict::holds);
  CHECK(verdict(at_most, {4.1}) == Verdict::fails);
  CHECK(verdict(at_most, {3.5, 3.6, 3.4}) == Verdict::holds);
  CHECK(verdict(at_most, {3.0, 4.9, 3.9}) == Verdict::fails);
  const Expectation at_least{.relation = Relation::at_least, .value = 4};
  CHECK(verdict(at_least, {4.4, 4.5, 4.6}) == Verdict::holds);
  CHECK(verdict(at_least, {3.9}) == Verdict::fails);
}

TEST_CASE("experiment: variants are compared seed by seed", "[simulations][experiment]") {
  const Expectation half{.relation = Relation::at_most, .value = 0.5, .times = 1};
  // Far apart from seed to seed, and yet always less than half.
  CHECK(verdict(half, {1, 10, 100}, {2.5, 25, 250}) == Verdict::fails);
  CHECK(verdict(half, {1, 2, 3}, {3, 5, 7}) == Verdict::holds);
  CHECK(verdict(half, {1, 2, 3}, {1, 5, 7}) == Verdict::fails);
  const auto finding = sim::judge(half, {1, 2, 3}, {3, 5, 7});
  CHECK(finding.expected == 2.5);
  CHECK(finding.found.mean == 2);
}

TEST_CASE("experiment: a claim that is not true fails", "[simulations][experiment]") {
  const auto file = read(R"(
expect:
  - {figure: mean_wait_s, of: quiet, is: 0}
  - {figure: share_that_waited, of: busy, at_most: 0.5}
  - {figure: mean_wait_s, of: busy, at_least: 10, times: quiet}
  - {figure: jain_index, of: quiet, is: 1}
)");
  REQUIRE(file.violations.empty());
  const auto result = run(file.experiment, file.experiment.full, "");
  REQUIRE(result.findings.size() == 4);
  CHECK(result.findings[0].verdict == Verdict::holds);
  CHECK(result.findings[1].verdict == Verdict::fails);
  CHECK(result.findings[2].verdict == Verdict::holds);
  CHECK(result.findings[3].verdict == Verdict::holds);
  CHECK_FALSE(result.holds());
  CHECK_THAT(sim::print_experiment(file.experiment, result),
             Catch::EndsWith("the claim fails: 1 of 4 parts\n"));
}

TEST_CASE("experiment: figures are those of the runs", "[simulations][experiment]") {
  const auto file = read(R"(
show:
  - {figure: calls}
  - {figure: mean_latency_s, client: caller}
  - {figure: length_s}
  - {figure: utilisation}
expect:
  - {figure: mean_wait_s, of: quiet, is: 0}
)");
  REQUIRE(file.violations.empty());
  const auto result = run(file.experiment, file.experiment.full, "");
  const auto value = [&](std::size_t variant, std::size_t figure) {
    return result.variants[variant].values[figure].front();
  };
  // Of 40 calls two are warm-up. The last comes after 39 gaps of 2 s and takes 1 s.
  CHECK(value(0, 0) == 38);
  CHECK(value(0, 1) == 1);
  CHECK(value(0, 2) == 79);
  CHECK(value(0, 3) == Approx(40.0 / 79));
  // At 0.5 s between two calls, call n of 40 waits for (n - 1) / 2 s.
  CHECK(value(1, 1) == Approx(1 + (2 + 39) / 2.0 / 2));
  CHECK(value(1, 2) == 40);
  CHECK(value(1, 3) == 1);
}

TEST_CASE("experiment: the same bytes every time, and whole", "[simulations][experiment]") {
  const auto file = read(R"(
plots: [{x: {figure: utilisation}, y: {figure: mean_wait_s}}]
expect: [{figure: mean_wait_s, of: quiet, is: 0}]
)");
  REQUIRE(file.violations.empty());
  const auto result = run(file.experiment, file.experiment.quick, "");
  const std::string page = sim::print_experiment_page(file.experiment, result);
  CHECK(page == sim::print_experiment_page(file.experiment,
                                           run(file.experiment, file.experiment.quick, "")));
  CHECK_THAT(page, Catch::StartsWith("<!doctype html>"));
  CHECK_THAT(page, Catch::EndsWith("</body></html>\n"));
  CHECK_THAT(page, Catch::Contains("<circle "));
  for (const char* foreign : {"http:", "https:", "<script", "<link", "nan", "inf\""}) {
    INFO(foreign);
    CHECK(page.find(foreign) == std::string::npos);
  }
  const std::string csv = sim::print_experiment_csv(file.experiment, result);
  CHECK_THAT(csv, Catch::Contains("\"quiet\",mean_wait_s,,,,2,0,0\n"));
}

TEST_CASE("experiment: slips are reported with their place", "[simulations][experiment]") {
  CHECK_THAT(slips_of(""), Catch::Contains("expect"));
  const auto expecting = [](const std::string& item) {
    return slips_of("expect:\n  - {" + item + "}\n");
  };
  CHECK(expecting("figure: mean_wait_s, of: quiet, is: 0").empty());
  CHECK_THAT(expecting("figure: mean_wait, of: quiet, is: 0"),
             Catch::Contains("x/experiment.yaml:12:14:") && Catch::Contains("mean_wait_s"));
  CHECK_THAT(expecting("figure: mean_wait_s, of: loud, is: 0"),
             Catch::Contains("there is no variant \"loud\""));
  CHECK_THAT(expecting("figure: mean_wait_s, of: quiet"), Catch::Contains("needs one of is"));
  CHECK_THAT(expecting("figure: mean_wait_s, of: quiet, is: 0, at_most: 1"),
             Catch::Contains("needs one of is"));
  CHECK_THAT(expecting("figure: p99_wait_s, of: quiet, is: 0"), Catch::Contains("is one class's"));
  CHECK_THAT(expecting("figure: length_s, class: workflow, of: quiet, is: 0"),
             Catch::Contains("is not one's alone"));
  CHECK_THAT(expecting("figure: mean_wait_s, profile: line, of: quiet, is: 0"),
             Catch::Contains("is not one's alone"));
  CHECK_THAT(expecting("figure: mean_wait_s, of: quiet, at_most: 1, within: 0.1"),
             Catch::Contains("belongs to is"));
  CHECK_THAT(slips_of("surprise: 1\n"), Catch::Contains("unknown key"));
}

TEST_CASE("experiment: a variant's change is read as strictly as its scenario",
          "[simulations][experiment]") {
  const auto file = sim::read_experiment("x", [](const std::string& path) {
    std::string text = scenario_text;
    if (path == "x/experiment.yaml") {
      text = experiment_head;
      text.replace(text.find("every_s: 0.5"), 12, "every_hour: 1");
      text += "expect: [{figure: mean_wait_s, of: quiet, is: 0}]\n";
    }
    return std::optional{text};
  });
  REQUIRE(file.violations.size() == 1);
  CHECK(file.violations.front().path == "clients[0].arrival.every_hour");
  CHECK(file.violations.front().file == "x/experiment.yaml");
  CHECK(file.violations.front().line == 10);
}

TEST_CASE("experiment: variants differ by what they say", "[simulations][experiment]") {
  const auto file = read("expect: [{figure: mean_wait_s, of: quiet, is: 0}]\n");
  REQUIRE(file.violations.empty());
  const auto& variants = file.experiment.variants;
  REQUIRE(variants.size() == 2);
  CHECK(variants[0].scenario.clients[0].arrival.gap == std::chrono::seconds{2});
  CHECK(variants[1].scenario.clients[0].arrival.gap == std::chrono::milliseconds{500});
  sim::Scenario same = variants[1].scenario;
  same.clients[0].arrival.gap = variants[0].scenario.clients[0].arrival.gap;
  CHECK(same == variants[0].scenario);
}

}  // namespace signalbox::testing
