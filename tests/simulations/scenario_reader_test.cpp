// Goal: a scenario file says what it means or is refused with the place of the slip. Method:
// literal YAML, whole structs and whole messages.
#include <catch2/catch.hpp>

#include "simulations/scenario/scenario_reader.hpp"

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

TEST_CASE("scenario: ways to call are read", "[simulations][scenario]") {
  const auto arrival_of = [](const std::string& arrival) {
    const auto file =
        sim::read_scenario(with("{law: poisson, rate_per_s: 4}", "{" + arrival + "}"), "s.yaml");
    REQUIRE(file.violations.empty());
    return file.scenario.clients[0].arrival;
  };
  const auto clusters = arrival_of("law: hyperexp, short_s: 0.05, long_s: 2, short_share: 0.9");
  CHECK(clusters.kind == sim::ArrivalKind::hyperexp);
  CHECK(clusters.gap == 50ms);
  CHECK(clusters.hyperexp == sim::Hyperexp{2s, 900});
  const auto bursts = arrival_of("law: on_off, rate_per_s: 4, on_s: 10, off_s: 50");
  CHECK(bursts.kind == sim::ArrivalKind::on_off);
  CHECK(bursts.gap == 250ms);
  CHECK(bursts.on_off == sim::OnOff{10s, 50s});
  const auto users = arrival_of("law: closed, users: 12, think: {law: exp, mean_s: 30}");
  CHECK(users.kind == sim::ArrivalKind::closed);
  CHECK(users.closed == sim::UserLaw{12, {sim::LawKind::exponential, Duration{30s}.count()}});
  const auto traffic = sim::read_scenario(
      with("time: ms", "time: ms\n      traffic: 2.5\n      from_first: true"), "s.yaml");
  REQUIRE(traffic.violations.empty());
  CHECK(traffic.scenario.clients[1].arrival.trace.traffic == 2'500);
  CHECK(traffic.scenario.clients[1].arrival.trace.from_first);
  const auto input = sim::read_scenario(with("declares_size", "declares_input"), "s.yaml");
  REQUIRE(input.violations.empty());
  CHECK(input.scenario.clients[0].declares_input);
  CHECK_FALSE(input.scenario.clients[0].declares_size);
}

TEST_CASE("scenario: a slip in a way to call is told with its place", "[simulations][scenario]") {
  const auto slip_of = [](const std::string& arrival) {
    const auto lines = slips(with("{law: poisson, rate_per_s: 4}", "{" + arrival + "}"));
    REQUIRE(lines.size() == 1);
    const std::size_t path = lines[0].find("clients");
    REQUIRE(path != std::string::npos);
    return lines[0].substr(path);
  };
  CHECK(slip_of("law: closed, users: 2, think: {law: const, value_s: 0}") ==
        "clients[0].arrival.think: must come to 0.001 s or more");
  CHECK(slip_of("law: closed, users: 0, think: {law: const, value_s: 1}") ==
        "clients[0].arrival.users: must be a whole number from 1 to 100000, not \"0\"");
  CHECK(slip_of("law: on_off, mean_s: 1000, on_s: 0.9, off_s: 1") ==
        "clients[0].arrival.on_s: must be 0.001 or more, and a thousandth of the time between two "
        "calls");
  CHECK_THAT(slip_of("law: hyperexp, short_s: 1, long_s: 2"),
             Catch::Contains("clients[0].arrival.short_share"));
  CHECK_THAT(slip_of("law: closed, users: 1, think: {law: uniform, min_s: 3, max_s: 2}"),
             Catch::Contains("its low end must not be above its high"));
  const auto lines = slips(with("time: ms", "time: ms\n      traffic: 0"));
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("clients[1].arrival.traffic"));
}

TEST_CASE("scenario: servers that load models, and that slow down", "[simulations][scenario]") {
  const auto file = sim::read_scenario(
      with("pool: both", "models: [small, large], swap_s: 4, reports_usage: true"), "s.yaml");
  // It has a model's name besides, which a client asks for.
  CHECK(file.violations.size() == 2);
  const auto& loading = file.scenario.backends.front();
  CHECK(loading.models == std::vector<std::string>{"small", "large"});
  CHECK(loading.swap == 4s);
  CHECK(loading.reports_usage);
  const auto slowing = sim::read_scenario(
      with("pool: both", "pool: both, slowdown: {per_call: 0.02, knee: 8, per_call_beyond: 0.5}"),
      "s.yaml");
  REQUIRE(slowing.violations.empty());
  CHECK(slowing.scenario.backends.front().slowdown == sim::Slowdown{20, 500, 8});
  const auto guessing = sim::read_scenario(with("tokens_out: 40", "size_error: 0.25"), "s.yaml");
  REQUIRE(guessing.violations.empty());
  CHECK(guessing.scenario.clients.front().size_error == 250);
}

TEST_CASE("scenario: a server's parts must fit together", "[simulations][scenario]") {
  const auto told = [](const std::string& text) {
    std::string all;
    for (const std::string& line : slips(text)) all += line + "\n";
    return all;
  };
  CHECK_THAT(told(with("pool: both", "pool: both, swap_s: 4")),
             Catch::Contains("backends[0].swap_s: needs models"));
  CHECK_THAT(told(with("pool: both", "models: [x], slowdown: {per_call: 1}")),
             Catch::Contains("backends[0].slowdown: has no models to load"));
  CHECK_THAT(told(with("pool: both", "models: [x, b]")), Catch::Contains("is in the list twice"));
  CHECK_THAT(told(with("pool: both", "pool: both, slowdown: {knee: 4, per_call: 1}")),
             Catch::Contains("per_call_beyond"));
  CHECK_THAT(told(with("tokens_out: 40", "size_error: 1.5")), Catch::Contains("size_error"));
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

TEST_CASE("scenario: what goes wrong is read", "[simulations][scenario]") {
  const auto file = sim::read_scenario(R"(version: 1
schedule_seed: 18446744073709551615
gc: {interval_s: 2, terminal_retention_s: 30}
profiles: {line: {max_concurrent: 3}}
backends: [{name: a, service: {law: const, value_s: 1}}]
clients:
  - name: nervous
    class: workflow
    profile: line
    model: a
    async: true
    streaming: true
    cancel_after: {law: exp, mean_s: 2.5, percent: 30}
    hang_up_after: {law: uniform, min_s: 0, max_s: 1}
    duplicate_after: {law: const, value_s: 0.000000001}
    arrival:
      law: calls
      calls:
        - {at_s: 0.000000001, tokens_in: 7, service_s: 4000000.123456789, cancel_after_s: 1}
        - {at_s: 20000000.000000003, tokens_out: 8, hang_up_after_s: 2, duplicate_after_s: 3}
faults:
  - {kind: refuse, backend: a, at_s: 1, lasts_s: 2.5}
  - {kind: stall, backend: a, at_s: 2, after_percent: 40, delay_s: 0.25}
  - {kind: status, backend: a, at_s: 3, lasts_s: 1, status: 429, retry_after_s: 7}
  - {kind: slots, profile: line, at_s: 4, lasts_s: 5, slots: 0}
  - {kind: policy, profile: line, at_s: 5, policy: fair}
  - {kind: crash, at_s: 6, messages: 17, lasts_s: 0.5}
  - {kind: full_disk, at_s: 7, commits: 3}
)",
                                       "faulty.yaml");
  REQUIRE(file.violations.empty());
  const sim::Scenario& scenario = file.scenario;
  CHECK(scenario.schedule_seed == UINT64_MAX);
  CHECK(scenario.gc == config::GcSettings{2, 3600, 30, 604'800});
  const sim::ClientSpec& client = scenario.clients.at(0);
  CHECK(client.is_async);
  CHECK(client.streaming);
  CHECK(client.cancel == sim::ActLaw{{sim::LawKind::exponential, 2'500'000'000}, 30});
  CHECK(client.hang_up == sim::ActLaw{{sim::LawKind::uniform, 0, 1'000'000'000}, 100});
  CHECK(client.duplicate == sim::ActLaw{{sim::LawKind::constant, 1}, 100});
  REQUIRE(client.arrival.kind == sim::ArrivalKind::recorded);
  const std::vector<sim::TraceRow> rows{
      {1ns, 7, {}, 4'000'000'123'456'789ns, {1s, {}, {}}},
      {20'000'000'000'000'003ns, {}, 8, {}, {{}, 2s, 3s}},
  };
  CHECK(*client.arrival.rows == rows);
  using enum sim::FaultKind;
  const std::vector<sim::Fault> faults{
      {refuse, "a", 1s, 2'500ms},
      {stall, "a", 2s, {}, 40, 250ms},
      {status, "a", 3s, 1s, 429, 7s},
      {slots, "line", 4s, 5s, 0},
      {policy, "line", 5s, {}, 0, {}, "fair"},
      {crash, "", 6s, 500ms, 17},
      {full_disk, "", 7s, {}, 3},
  };
  CHECK(scenario.faults == faults);
}

TEST_CASE("scenario: a slip in a fault is told with its place", "[simulations][scenario]") {
  const auto one = [](const std::string& fault) {
    const auto lines = slips(whole + "faults:\n  - " + fault + "\n");
    REQUIRE(lines.size() == 1);
    return lines.front();
  };
  CHECK(one("{kind: refuse, backend: c, at_s: 1}") ==
        "s.yaml:38:5: faults[0].backend: there is no backend \"c\"");
  CHECK(one("{kind: slots, profile: lane, at_s: 1, slots: 2}") ==
        "s.yaml:38:5: faults[0].profile: there is no profile \"lane\"");
  CHECK(one("{kind: slots, profile: line, at_s: 1}") ==
        "s.yaml:38:5: faults[0].slots: must be given");
  CHECK(one("{kind: hang, backend: a, at_s: 1, messages: 2}") ==
        "s.yaml:38:39: faults[0].messages: unknown key");
  CHECK(one("{kind: status, backend: a, at_s: 1, status: 200}") ==
        "s.yaml:38:49: faults[0].status: must be a whole number from 400 to 599, not \"200\"");
  CHECK(one("{kind: policy, profile: line, at_s: 1, policy: lottery}")
            .starts_with("s.yaml:38:52: faults[0].policy: "));
}

TEST_CASE("scenario: calls are in the order of their times", "[simulations][scenario]") {
  const auto lines =
      slips(with("{law: poisson, rate_per_s: 4}", "{law: calls, calls: [{at_s: 2}, {at_s: 1}]}"));
  REQUIRE(lines.size() == 1);
  CHECK(lines.front() ==
        "s.yaml:27:46: clients[0].arrival.calls[1].at_s: must not be before that of the call "
        "above");
}

}  // namespace signalbox::testing
