// Goal: a client calls again when it should, after the pause its law says, and no more often than
// it may; each try is a call of its own. Method: pauses by hand; one slot without a line in front
// of it, where who is refused is plain.
#include "simulations/scenario/retry.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "simulations/campaign/invariants.hpp"
#include "simulations/figures/client_tally.hpp"
#include "simulations/lab/experiment_figures.hpp"
#include "simulations/scenario/scenario_reader.hpp"
#include "tests/simulations/scenarios.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

class Ends final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { all.push_back(task); }
  void sampled(std::uint64_t, const sim::LineState&) override {}
  /// In the order they were made.
  [[nodiscard]] std::vector<Duration> calls() const {
    std::map<std::uint64_t, Duration> by_number;
    for (const sim::EndedTask& task : all) by_number[task.number] = task.arrived_at;
    std::vector<Duration> times;
    for (const auto& [number, at] : by_number) times.push_back(at);
    return times;
  }
  std::vector<sim::EndedTask> all;
};

/// A server that takes 10 s a call is busy from the start; the client `again` calls at 1 s.
std::string busy_server(const std::string& retry, const std::string& more = "") {
  return R"(version: 1
profiles: {line: {max_concurrent: 1, max_queued: 0}}
backends: [{name: server, service: {law: const, value_s: 10}}]
clients:
  - {name: first, class: workflow, profile: line, model: server, arrival: {law: calls, calls: [{at_s: 0}]}}
  - {name: again, class: workflow, profile: line, model: server, retry: )" +
         retry + R"(, arrival: {law: calls, calls: [{at_s: 1}]})" + more + "}\n";
}

Ends run_text(const std::string& text, sim::RunFigures* figures = nullptr, std::uint64_t seed = 1) {
  Ends ends;
  const auto run = run_scenario(read_whole_scenario(text), {.seed = seed, .observer = &ends});
  if (figures != nullptr) *figures = run;
  return ends;
}

std::string slip_in(const std::string& retry) {
  const auto file = sim::read_scenario(busy_server(retry), "retry.yaml");
  REQUIRE(file.violations.size() == 1);
  return config::to_string(file.violations.front());
}

}  // namespace

TEST_CASE("retry: pauses grow by the factor, up to the longest", "[simulations][retry]") {
  sim::RetryLaw law;
  law.backoff = 1s;
  const auto pauses = [&] {
    std::vector<Duration> all;
    for (std::uint32_t tries = 1; tries <= 5; ++tries) {
      all.push_back(sim::pause_after(law, tries, std::nullopt, 7));
    }
    return all;
  };
  CHECK(pauses() == std::vector<Duration>{1s, 1s, 1s, 1s, 1s});
  law.factor = 3;
  CHECK(pauses() == std::vector<Duration>{1s, 3s, 9s, 27s, 81s});
  law.backoff_max = 20s;
  CHECK(pauses() == std::vector<Duration>{1s, 3s, 9s, 20s, 20s});
  law.backoff_max = 500ms;
  CHECK(pauses() == std::vector<Duration>{500ms, 500ms, 500ms, 500ms, 500ms});
  law.backoff = 0s;
  CHECK(pauses() == std::vector<Duration>(5, 0s));
  // As often as it may, to the longest there is: nothing overflows.
  law = {.tries = sim::tries_max, .backoff = 24h, .factor = 10, .jitter = 1000};
  CHECK(sim::pause_after(law, sim::tries_max, 60s, UINT64_MAX) <= 24h);
}

TEST_CASE("retry: jitter draws its share of a pause, evenly", "[simulations][retry]") {
  sim::RetryLaw law;
  law.backoff = 10s;
  for (const std::uint32_t jitter : {250U, 1000U}) {
    law.jitter = jitter;
    const Duration drawn = Duration{10s} * jitter / 1000;
    std::vector<int> tenths(10);
    for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
      const Duration pause = sim::pause_after(law, 1, std::nullopt, seed);
      REQUIRE(pause >= law.backoff - drawn);
      REQUIRE(pause <= 10s);
      ++tenths[static_cast<std::size_t>((pause - (law.backoff - drawn)) * 10 / (drawn + 1ns))];
    }
    // 1,000 in each; four standard deviations are 120.
    for (const int count : tenths) CHECK(std::abs(count - 1'000) < 120);
  }
  CHECK(sim::pause_after(law, 1, std::nullopt, 3) == sim::pause_after(law, 1, std::nullopt, 3));
  CHECK(sim::pause_after(law, 1, std::nullopt, 3) != sim::pause_after(law, 2, std::nullopt, 3));
}

TEST_CASE("retry: Retry-After is the least pause to who heeds it", "[simulations][retry]") {
  sim::RetryLaw law;
  law.backoff = 4s;
  CHECK(sim::pause_after(law, 1, 30s, 1) == 4s);
  law.heeds_retry_after = true;
  CHECK(sim::pause_after(law, 1, 30s, 1) == 30s);
  CHECK(sim::pause_after(law, 1, 2s, 1) == 4s);
  CHECK(sim::pause_after(law, 1, std::nullopt, 1) == 4s);
  law.jitter = 500;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Duration pause = sim::pause_after(law, 1, 30s, seed);
    REQUIRE(pause >= 30s);
    REQUIRE(pause <= 32s);
  }
  const auto told = [](ErrorCode code, double seconds) {
    return sim::retry_after_of(make_error(code, "").retry_after(seconds));
  };
  CHECK(told(ErrorCode::queue_full, 2.1) == Duration{3s});
  CHECK(told(ErrorCode::queue_full, 0) == Duration{1s});
  CHECK(told(ErrorCode::queue_full, 1e9) == Duration{60s});
  CHECK(told(ErrorCode::backend_error, 5) == Duration{5s});
  CHECK_FALSE(told(ErrorCode::backend_error, 0));
}

TEST_CASE("retry: what is the caller's own fault is not tried again", "[simulations][retry]") {
  for (const ErrorCode code : {ErrorCode::queue_full, ErrorCode::queue_wait_timeout,
                               ErrorCode::backend_unreachable, ErrorCode::draining}) {
    CHECK(sim::is_worth_another_try(make_error(code, "")));
  }
  for (const ErrorCode code :
       {ErrorCode::none, ErrorCode::task_cancelled, ErrorCode::invalid_request,
        ErrorCode::model_not_found, ErrorCode::idempotency_key_reused}) {
    CHECK_FALSE(sim::is_worth_another_try(make_error(code, "")));
  }
  Error error = make_error(ErrorCode::backend_error, "");
  CHECK(sim::is_worth_another_try(error));
  error.backend_status = 429;
  CHECK(sim::is_worth_another_try(error));
  error.backend_status = 422;
  CHECK_FALSE(sim::is_worth_another_try(error));
}

TEST_CASE("retry: a refused client calls again until it is served", "[simulations][retry]") {
  sim::RunFigures figures;
  const Ends ends = run_text(busy_server("{tries: 9, backoff_s: 1, factor: 2}"), &figures);
  // Refused at 1, 2, 4 and 8 s; at 16 s the slot is free.
  CHECK(ends.calls() == std::vector<Duration>{0s, 1s, 2s, 4s, 8s, 16s});
  const sim::EndedTask& last = ends.all.back();
  CHECK(last.status == CallStatus::ok);
  CHECK(last.ended_at == 26s);
  CHECK(last.wait == 0s);
  REQUIRE(last.repeat);
  CHECK(last.repeat->tries == 4);
  CHECK(last.repeat->first_at == 1s);
  CHECK(last.repeat->first_number == 2);
  CHECK(figures.tasks == 6);
  CHECK(figures.repeats == 4);
  CHECK(figures.given_up == 0);
  const auto& workflow = figures.classes[to_index(Priority::workflow)];
  CHECK(workflow.submitted == 6);
  CHECK(workflow.rejected == 4);
  CHECK(workflow.done == 2);
}

TEST_CASE("retry: after its last try a client gives up", "[simulations][retry]") {
  sim::RunFigures figures;
  CHECK(run_text(busy_server("{tries: 3, backoff_s: 2}"), &figures).calls() ==
        std::vector<Duration>{0s, 1s, 3s, 5s});
  CHECK(figures.repeats == 2);
  CHECK(figures.given_up == 1);
  CHECK_THAT(sim::print_summary(figures),
             Catch::Contains("2 of these calls were made before, 1 were given up\n"));
}

TEST_CASE("retry: a client pauses for as long as it is told", "[simulations][retry]") {
  // One call is before it, of which nothing is known but that it may take a second.
  CHECK(run_text(busy_server("{tries: 2, backoff_s: 0.25}")).calls() ==
        std::vector<Duration>{0s, 1s, 1250ms});
  CHECK(run_text(busy_server("{tries: 2, backoff_s: 0.25, heeds_retry_after: true}")).calls() ==
        std::vector<Duration>{0s, 1s, 2s});
}

TEST_CASE("retry: who has left or cancelled does not come back", "[simulations][retry]") {
  const std::string line = R"(version: 1
profiles: {line: {max_concurrent: 1}}
backends: [{name: server, service: {law: const, value_s: 10}}]
clients:
  - {name: first, class: workflow, profile: line, model: server, arrival: {law: calls, calls: [{at_s: 0}]}}
  - {name: again, class: workflow, profile: line, model: server, retry: {tries: 5, backoff_s: 1},
     arrival: {law: calls, calls: [{at_s: 1, )";
  CHECK(run_text(line + "hang_up_after_s: 2}]}}\n").all.size() == 2);
  CHECK(run_text(line + "cancel_after_s: 2}]}}\n").all.size() == 2);
  // Each try has its client's acts anew: the third is served from 13 s on, and left at 15 s.
  const Ends ends = run_text(
      busy_server("{tries: 9, backoff_s: 6}", ", hang_up_after: {law: const, value_s: 2}"));
  CHECK(ends.calls() == std::vector<Duration>{0s, 1s, 7s, 13s});
  CHECK(ends.all.back().status == CallStatus::cancelled);
  CHECK(ends.all.back().ended_at == 15s);
}

TEST_CASE("retry: who loses the connection calls again, as does who finds nobody",
          "[simulations][retry]") {
  const std::string text = R"(version: 1
profiles: {line: {max_concurrent: 1}}
backends: [{name: server, service: {law: const, value_s: 10}}]
clients:
  - {name: cut, class: workflow, profile: line, model: server, retry: {tries: 9, backoff_s: 2},
     arrival: {law: calls, calls: [{at_s: 1}, {at_s: 6}]}}
faults:
  - {kind: crash, at_s: 5, lasts_s: 2.5, messages: 0}
)";
  sim::RunFigures figures;
  const Ends ends = run_text(text, &figures);
  CHECK(figures.repeats == 3);
  CHECK(figures.given_up == 0);
  const auto calls = ends.calls();
  REQUIRE(calls.size() == 5);
  CHECK(calls[0] == 1s);
  CHECK(calls[1] == 6s);
  // The crash comes with the next message after 5 s: the call at 6 s finds nobody.
  CHECK(calls[3] == calls[1] + 2s);
}

TEST_CASE("retry: pauses do not depend on other clients", "[simulations][retry]") {
  const std::string retry = "{tries: 30, backoff_s: 1, jitter: 1}";
  const auto alone = run_text(busy_server(retry)).calls();
  // Another client, who calls later than all of them.
  const auto beside = run_text(busy_server(retry) +
                               "  - {name: a, class: workflow, profile: line, model: server, "
                               "retry: {tries: 9, backoff_s: 1, jitter: 1}, "
                               "arrival: {law: calls, calls: [{at_s: 50}]}}\n")
                          .calls();
  REQUIRE(beside.size() == alone.size() + 1);
  CHECK(std::equal(alone.begin(), alone.end(), beside.begin()));
  CHECK(run_text(busy_server(retry), nullptr, 2).calls() != alone);
  CHECK(run_text(busy_server(retry)).calls() == alone);
}

TEST_CASE("retry: figures of clients count a call once, with all its tries",
          "[simulations][retry]") {
  const sim::Scenario scenario =
      read_whole_scenario(busy_server("{tries: 9, backoff_s: 1, factor: 2}"));
  sim::ClientTally tally{scenario, 30s};
  const auto figures = run_scenario(scenario, {.observer = &tally});
  const sim::ClientFigures& again = tally.clients()[1];
  CHECK(again.submitted == 1);
  CHECK(again.done == 1);
  CHECK(again.in_time == 1);
  // From 1 s to 26 s.
  CHECK(again.latency_sum == std::chrono::nanoseconds{25s}.count());
  const auto& words = sim::figure_words();
  const auto figure = [&](const std::string& word) {
    const auto place = std::find(words.begin(), words.end(), word);
    REQUIRE(place != words.end());
    return sim::measure({static_cast<std::size_t>(place - words.begin())}, figures, tally);
  };
  CHECK(figure("tries_per_call") == 3);
  CHECK(figure("share_given_up") == 0);
  CHECK(figure("peak_repeats_per_s") == 1);
}

TEST_CASE("retry: invariants hold while clients come back", "[simulations][retry]") {
  sim::Scenario scenario = read_whole_scenario(R"(version: 1
tasks: 300
schedule_seed: 3
profiles: {line: {max_concurrent: 2, max_queued: 3, default_queue_wait_s: 1}}
backends: [{name: server, service: {law: exp, mean_s: 1}}]
clients:
  - name: waits
    class: interactive
    profile: line
    model: server
    retry: {tries: 4, backoff_s: 0.5, factor: 2, jitter: 0.5, heeds_retry_after: true}
    hang_up_after: {law: exp, mean_s: 3, percent: 20}
    duplicate_after: {law: const, value_s: 0.5, percent: 20}
    arrival: {law: poisson, rate_per_s: 3}
  - {name: asks, class: workflow, profile: line, model: server, async: true,
     retry: {tries: 3, backoff_s: 0}, arrival: {law: poisson, rate_per_s: 1}}
faults:
  - {kind: refuse, backend: server, at_s: 20, lasts_s: 5}
  - {kind: crash, at_s: 40, lasts_s: 3, messages: 5}
)");
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    scenario.seed = seed;
    sim::Invariants invariants{scenario};
    const auto figures = run_scenario(scenario, {.seed = seed, .checker = &invariants});
    CAPTURE(seed);
    if (invariants.violation()) FAIL(invariants.violation()->what);
    CHECK(figures.repeats > 50);
    CHECK(figures.given_up > 0);
  }
}

TEST_CASE("retry: slips are reported with their place", "[simulations][retry]") {
  CHECK_THAT(slip_in("{tries: 1, backoff_s: 1}"),
             Catch::Contains("clients[1].retry.tries: must be a whole number from 2 to 1000"));
  CHECK_THAT(slip_in("{backoff_s: 1}"), Catch::Contains("retry.tries: must be given"));
  CHECK_THAT(slip_in("{tries: 2}"), Catch::Contains("retry.backoff_s: must be given"));
  CHECK_THAT(slip_in("{tries: 2, backoff_s: 86401}"), Catch::Contains("backoff_s: must be from 0"));
  CHECK_THAT(slip_in("{tries: 2, backoff_s: 1, factor: 11}"), Catch::Contains("from 1 to 10"));
  CHECK_THAT(slip_in("{tries: 2, backoff_s: 1, jitter: 1.5}"),
             Catch::Contains("from 0 to 1 parts"));
  CHECK_THAT(slip_in("{tries: 2, backoff_s: 1, retry_after: true}"),
             Catch::Contains("unknown key"));
}

}  // namespace signalbox::testing
