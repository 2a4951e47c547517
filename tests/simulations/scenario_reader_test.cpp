// Goal: a scenario file says what it means or is refused with the place of the slip. Method:
// literal YAML, whole structs and whole messages.
#include <catch2/catch.hpp>

#include "simulations/scenario_reader.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

const std::string whole = R"(version: 1
seed: 7
tasks: 100
horizon_s: 60.5
warmup_tasks: 5
commit: relaxed
profiles:
  line: {max_concurrent: 3, max_queued: 9}
backends:
  - {name: a, pool: both, model: m, capacity: 2, service: {law: exp, mean_s: 0.29}}
  - name: b
    pool: both
    service: {law: linear, overhead_s: 0.1, per_token_in_s: 0.001, per_token_out_s: 0.02}
clients:
  - name: chat
    class: interactive
    owner: ann
    profile: line
    model: both
    tokens_in: {law: uniform, min: 1, max: 9}
    tokens_out: 40
    declares_size: true
    queue_wait_s: 2.5
    inference_s: 30
    start_s: 10
    tasks: 50
    arrival: {law: poisson, rate_per_s: 4}
  - name: batch
    class: background
    profile: line
    model: m
    arrival:
      law: trace
      file: hour.csv
      time: ms
      columns: {time: when, tokens_out: out}
)";

/// @returns `whole` with one text in place of another.
std::string with(const std::string& old_text, const std::string& new_text) {
  std::string text = whole;
  const std::size_t at = text.find(old_text);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old_text.size(), new_text);
}

std::vector<std::string> slips(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto& violation : sim::read_scenario(text, "s.yaml").violations) {
    lines.push_back(config::to_string(violation));
  }
  return lines;
}

}  // namespace

TEST_CASE("scenario: every key is read", "[simulations][scenario]") {
  const auto file = sim::read_scenario(whole, "some/where/night.yaml");
  REQUIRE(file.violations.empty());
  const sim::Scenario& scenario = file.scenario;
  CHECK(scenario.name == "night");
  CHECK(scenario.seed == 7);
  CHECK(scenario.tasks == 100);
  CHECK(scenario.horizon == 60'500ms);
  CHECK(scenario.warmup_tasks == 5);
  CHECK(scenario.commit == CommitMode::relaxed);
  REQUIRE(scenario.profiles.contains("line"));
  CHECK(scenario.profiles.at("line").max_concurrent == 3);
  CHECK(scenario.profiles.at("line").max_queued == 9);
  REQUIRE(scenario.backends.size() == 2);
  CHECK(scenario.backends[0] ==
        sim::BackendSpec{"a", "both", "m", 2, {{sim::LawKind::exponential, 290'000'000}, {}, {}}});
  CHECK(scenario.backends[1].service ==
        sim::ServiceLaw{{sim::LawKind::constant, 100'000'000}, 1ms, 20ms});
  CHECK_FALSE(scenario.backends[1].capacity);
  REQUIRE(scenario.clients.size() == 2);
  sim::ClientSpec chat;
  chat.name = "chat";
  chat.priority = Priority::interactive;
  chat.owner = "ann";
  chat.profile = "line";
  chat.target = "both";
  chat.arrival = {sim::ArrivalKind::poisson, 250ms, {}};
  chat.tokens_in = {sim::LawKind::uniform, 1, 9};
  chat.tokens_out = {sim::LawKind::constant, 40};
  chat.declares_size = true;
  chat.queue_wait = 2'500ms;
  chat.inference = 30s;
  chat.tasks = 50;
  chat.start = 10s;
  CHECK(scenario.clients[0] == chat);
  CHECK(scenario.clients[1].owner == "batch");
  CHECK(scenario.clients[1].arrival ==
        sim::ArrivalLaw{sim::ArrivalKind::trace, {}, {"hour.csv", "when", "", "out", 1ms}});
}

TEST_CASE("scenario: a slip is told with its place", "[simulations][scenario]") {
  const auto one = [](const std::string& text) {
    const auto lines = slips(text);
    REQUIRE(lines.size() == 1);
    return lines.front();
  };
  CHECK(one(with("seed: 7", "sead: 7")) == "s.yaml:2:1: sead: unknown key; did you mean seed?");
  CHECK(one(with("tokens_out: 40", "tokens_aut: 40")) ==
        "s.yaml:21:5: clients[0].tokens_aut: unknown key; did you mean tokens_out?");
  CHECK(one(with("max_queued: 9", "max_queues: 9")) ==
        "s.yaml:8:29: profiles.line.max_queues: unknown key; did you mean max_queued?");
  CHECK(one(with("mean_s: 0.29", "mean_s: fast")) ==
        "s.yaml:10:78: backends[0].service.mean_s: must be from 0 to 31622400 seconds, not "
        "\"fast\"");
  CHECK(one(with("law: exp,", "law: gauss,")) ==
        "s.yaml:10:65: backends[0].service.law: must be const, exp, uniform or linear, not "
        "\"gauss\"");
  CHECK(one(with("rate_per_s: 4", "rate_per_s: 0")) ==
        "s.yaml:27:41: clients[0].arrival.rate_per_s: must be from 0.000001 to 1000000 calls per "
        "second, not \"0\"");
  CHECK(one(with("    model: both\n    tokens_in", "    model: neither\n    tokens_in")) ==
        "s.yaml:15:5: clients[0].model: there is no backend, pool or model \"neither\"");
  CHECK(one(with("profile: line\n    model: both", "profile: lane\n    model: both")) ==
        "s.yaml:15:5: clients[0].profile: there is no profile \"lane\"");
  CHECK(one(with("version: 1", "version: 2")) ==
        "s.yaml:1:10: version: must be a whole number from 1 to 1, not \"2\"");
  CHECK(one(with("min: 1, max: 9", "min: 9, max: 1")) ==
        "s.yaml:20:16: clients[0].tokens_in: its low end must not be above its high");
  CHECK(one(with("name: batch", "name: chat")) ==
        "s.yaml:28:5: clients[1].name: \"chat\" is in the list twice");
  CHECK(one("") == "s.yaml: there is nothing in it");
}

TEST_CASE("scenario: one that never ends is refused", "[simulations][scenario]") {
  const std::string endless = with("tasks: 100\nhorizon_s: 60.5\n", "");
  CHECK(slips(endless).empty());
  std::string text = endless;
  text.replace(text.find("    tasks: 50\n"), 14, "");
  const auto lines = slips(text);
  REQUIRE(lines.size() == 1);
  CHECK(lines.front() ==
        "s.yaml:1:1: must end: give tasks or horizon_s, or tasks for every client");
}

}  // namespace signalbox::testing
