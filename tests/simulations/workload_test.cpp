// Goal: calls come in the order of their times, and a client's calls are the same whatever other
// clients there are. Method: small scenarios, a trace written here.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "simulations/scenario/workload.hpp"

namespace signalbox::testing {
namespace {

using namespace std::chrono_literals;

sim::ClientSpec poisson(const std::string& name, Duration gap) {
  sim::ClientSpec client;
  client.name = name;
  client.arrival = {sim::ArrivalKind::poisson, gap, {}};
  client.tokens_out = {sim::LawKind::uniform, 1, 1000};
  return client;
}

std::vector<sim::Arrival> draw(const sim::Scenario& scenario, std::uint64_t seed,
                               const std::string& traces = {}) {
  auto workload = sim::Workload::open(scenario, seed, traces);
  if (workload.has_error()) FAIL(workload.error().message);
  std::vector<sim::Arrival> arrivals;
  while (true) {
    const auto next = workload->next();
    if (next.has_error()) FAIL(next.error().message);
    if (!*next) return arrivals;
    arrivals.push_back(**next);
  }
}

/// A folder that is gone with it.
class TraceFolder {
 public:
  TraceFolder() { std::filesystem::create_directories(x_path); }
  ~TraceFolder() { std::filesystem::remove_all(x_path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{x_path + "/" + name, std::ios::binary} << text;
  }
  [[nodiscard]] const std::string& path() const { return x_path; }

 private:
  std::string x_path = std::filesystem::temp_directory_path().string() + "/signalbox-traces-" +
                       std::to_string(reinterpret_cast<std::uintptr_t>(this));
};

sim::ClientSpec traced(const std::string& file, Duration unit = {}) {
  sim::ClientSpec client;
  client.name = file;
  client.arrival = {sim::ArrivalKind::trace, {}, {file, "at", "in", "out", unit}};
  return client;
}

}  // namespace

TEST_CASE("workload: calls come in order, and as many as asked for", "[simulations][workload]") {
  sim::Scenario scenario;
  scenario.tasks = 1'000;
  scenario.clients = {poisson("a", 10ms), poisson("b", 30ms)};
  const auto arrivals = draw(scenario, 1);
  REQUIRE(arrivals.size() == 1'000);
  CHECK(std::is_sorted(arrivals.begin(), arrivals.end(),
                       [](const auto& left, const auto& right) { return left.at < right.at; }));
  const auto of_a = std::count_if(arrivals.begin(), arrivals.end(),
                                  [](const auto& arrival) { return arrival.client == 0; });
  CHECK(std::abs(of_a - 750) < 60);
}

TEST_CASE("workload: what a client says of its sizes is off by as much as it should",
          "[simulations][workload]") {
  sim::Scenario scenario;
  scenario.tasks = 20'000;
  scenario.clients = {poisson("a", 10ms)};
  scenario.clients[0].tokens_out = {sim::LawKind::constant, 10'000};
  const auto exact = draw(scenario, 1);
  for (const std::uint32_t error : {0U, 250U, 1'000U}) {
    scenario.clients[0].size_error = error;
    double sum = 0;
    double squares = 0;
    const auto arrivals = draw(scenario, 1);
    for (std::size_t index = 0; index < arrivals.size(); ++index) {
      // Neither the sizes nor the times change with what is said.
      CHECK(arrivals[index].at == exact[index].at);
      CHECK(arrivals[index].size.tokens_out == 10'000);
      const double off = arrivals[index].size.declared_out / 10'000.0 - 1;
      sum += off;
      squares += off * off;
    }
    const double count = static_cast<double>(arrivals.size());
    INFO(error);
    CHECK(std::abs(sum / count) <= 0.02 * error / 1'000);
    CHECK(std::abs(std::sqrt(squares / count) - error / 1'000.0) <= 0.03 * error / 1'000);
  }
}

TEST_CASE("workload: a client's calls do not depend on others", "[simulations][workload]") {
  sim::Scenario alone;
  alone.horizon = 10s;
  alone.clients = {poisson("a", 10ms)};
  sim::Scenario together = alone;
  together.clients.insert(together.clients.begin(), poisson("b", 5ms));
  std::vector<std::tuple<Duration, std::uint32_t, std::uint64_t>> in_company;
  for (const auto& arrival : draw(together, 3)) {
    if (arrival.client != 1) continue;
    in_company.emplace_back(arrival.at, arrival.size.tokens_out, arrival.size.service_seed);
  }
  const auto by_itself = draw(alone, 3);
  REQUIRE(by_itself.size() == in_company.size());
  for (std::size_t index = 0; index < by_itself.size(); ++index) {
    CHECK(in_company[index] == std::tuple{by_itself[index].at, by_itself[index].size.tokens_out,
                                          by_itself[index].size.service_seed});
  }
  CHECK(draw(alone, 4).front().at != by_itself.front().at);
}

/// Mean and squared coefficient of variation of the gaps, and how many of them there are.
struct Gaps {
  double mean_s = 0;
  double scv = 0;
};

Gaps gaps_of(const sim::ArrivalLaw& law, std::uint64_t tasks) {
  sim::Scenario scenario;
  scenario.tasks = tasks;
  scenario.clients = {poisson("a", 1s)};
  scenario.clients[0].arrival = law;
  double sum = 0;
  double squares = 0;
  Duration last{};
  for (const sim::Arrival& arrival : draw(scenario, 1)) {
    const double gap = to_seconds(arrival.at - last);
    last = arrival.at;
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / static_cast<double>(tasks);
  return {mean, squares / static_cast<double>(tasks) / (mean * mean) - 1};
}

TEST_CASE("workload: gaps of two lengths have the mean and the spread that theory says",
          "[simulations][workload]") {
  sim::ArrivalLaw law;
  law.kind = sim::ArrivalKind::hyperexp;
  law.gap = 50ms;
  law.hyperexp = {2s, 900};
  const Gaps gaps = gaps_of(law, 200'000);
  // 0.9 * 0.05 + 0.1 * 2; second moment 2 * (0.9 * 0.0025 + 0.1 * 4).
  CHECK(gaps.mean_s == Approx(0.245).epsilon(0.02));
  CHECK(gaps.scv == Approx(0.8045 / (0.245 * 0.245) - 1).epsilon(0.05));
  // One share or the other is Poisson.
  law.hyperexp.short_share = 1'000;
  CHECK(gaps_of(law, 100'000).mean_s == Approx(0.05).epsilon(0.02));
  CHECK(gaps_of(law, 100'000).scv == Approx(1).epsilon(0.05));
  law.hyperexp.short_share = 0;
  CHECK(gaps_of(law, 100'000).mean_s == Approx(2).epsilon(0.02));
}

TEST_CASE("workload: bursts have the mean and the spread that theory says",
          "[simulations][workload]") {
  sim::ArrivalLaw law;
  law.kind = sim::ArrivalKind::on_off;
  law.gap = 100ms;
  law.on_off = {1s, 3s};
  const Gaps gaps = gaps_of(law, 200'000);
  // A gap is exp(10 + 1) and then, with probability 1/11, a silence and a gap again: mean 0.4,
  // squared coefficient of variation 1 + 2 * rate * off^2 * on / (on + off)^2.
  CHECK(gaps.mean_s == Approx(0.4).epsilon(0.02));
  CHECK(gaps.scv == Approx(1 + 2 * 10.0 * 9 * 1 / 16).epsilon(0.05));
  // Without silence it is Poisson.
  law.on_off.off = 0s;
  CHECK(gaps_of(law, 100'000).mean_s == Approx(0.1).epsilon(0.02));
  CHECK(gaps_of(law, 100'000).scv == Approx(1).epsilon(0.05));
}

TEST_CASE("workload: users call when they have thought, and no more until they are answered",
          "[simulations][workload]") {
  sim::Scenario scenario;
  scenario.horizon = 1h;
  scenario.clients = {poisson("users", 0s)};
  scenario.clients[0].arrival = {sim::ArrivalKind::closed};
  scenario.clients[0].arrival.closed = {3, {sim::LawKind::uniform, 1, 1'000}};
  auto workload = sim::Workload::open(scenario, 1, "");
  REQUIRE(workload.has_value());
  std::set<std::uint32_t> users;
  for (int index = 0; index < 3; ++index) {
    const auto arrival = workload->next();
    REQUIRE(arrival.has_value());
    users.insert((*arrival)->user.value());
  }
  CHECK(users.size() == 3);
  CHECK_FALSE(workload->next_at());
  workload->answered(0, 1, 5s);
  REQUIRE(workload->next_at());
  CHECK(*workload->next_at() > 5s);
  CHECK(*workload->next_at() <= 5s + 1us);
  CHECK((*workload->next())->user == 1);
  workload->answered(0, 2, 2h);
  CHECK_FALSE(workload->next_at());
}

TEST_CASE("workload: a constant client starts when told and stops after its tasks",
          "[simulations][workload]") {
  sim::Scenario scenario;
  sim::ClientSpec client = poisson("c", 0ms);
  client.arrival = {sim::ArrivalKind::constant, 2s, {}};
  client.start = 10s;
  client.tasks = 3;
  scenario.clients = {client};
  const auto arrivals = draw(scenario, 1);
  REQUIRE(arrivals.size() == 3);
  CHECK(arrivals[0].at == 10s);
  CHECK(arrivals[1].at == 12s);
  CHECK(arrivals[2].at == 14s);
}

TEST_CASE("workload: traces of one calendar keep their distance", "[simulations][workload]") {
  const TraceFolder folder;
  folder.write("late.csv", "at,in,out\r\n2023-11-16 18:17:03.9799600,4808,10\r\n");
  folder.write("early.csv",
               "in,at,out\n374,2023-11-16 18:15:46.6805900,44\n396,2023-11-16 18:15:50,109\n");
  sim::Scenario scenario;
  scenario.clients = {traced("late.csv"), traced("early.csv")};
  const auto arrivals = draw(scenario, 1, folder.path());
  REQUIRE(arrivals.size() == 3);
  CHECK(arrivals[0].at == 0ns);
  CHECK(arrivals[0].size.tokens_in == 374);
  CHECK(arrivals[0].size.tokens_out == 44);
  CHECK(arrivals[1].at == 3'319'410us);
  CHECK(arrivals[2].at == 77'299'370us);
  CHECK(arrivals[2].client == 0);
}

TEST_CASE("workload: a trace comes as many times as fast, and no smaller",
          "[simulations][workload]") {
  const TraceFolder folder;
  folder.write("t.csv", "at,in,out\n1000,1,2\n1001,3,4\n1007,5,6\n");
  sim::Scenario scenario;
  scenario.clients = {traced("t.csv", 1ms)};
  const auto times_at = [&](std::uint32_t traffic, bool from_first) {
    scenario.clients[0].arrival.trace.traffic = traffic;
    scenario.clients[0].arrival.trace.from_first = from_first;
    std::vector<Duration> times;
    for (const auto& arrival : draw(scenario, 1, folder.path())) {
      times.push_back(arrival.at);
      CHECK(arrival.size.tokens_out == 2 * times.size());
    }
    return times;
  };
  using Times = std::vector<Duration>;
  CHECK(times_at(1'000, false) == Times{1'000ms, 1'001ms, 1'007ms});
  CHECK(times_at(1'000, true) == Times{0ms, 1ms, 7ms});
  CHECK(times_at(2'000, true) == Times{0ms, 500us, 3'500us});
  CHECK(times_at(500, true) == Times{0ms, 2ms, 14ms});
  CHECK(times_at(3'000, true) == Times{0ns, 333'333ns, 2'333'333ns});
  scenario.clients[0].start = 10s;
  CHECK(times_at(2'000, true) == Times{10s, 10s + 500us, 10s + 3'500us});
}

TEST_CASE("workload: traffic is exact over a year, and bounded", "[simulations][workload]") {
  const Duration year = std::chrono::hours{24 * 365} + 1ns;
  CHECK(sim::at_traffic(year, 1'000) == year);
  CHECK(sim::at_traffic(year, 500) == 2 * year);
  CHECK(sim::at_traffic(year, 1'000'000) == std::chrono::seconds{86'400 * 365} / 1'000);
  CHECK(sim::at_traffic(Duration::max(), 1) == Duration::max() / 4);
}

TEST_CASE("workload: a trace that cannot be used is refused with its line",
          "[simulations][workload]") {
  const TraceFolder folder;
  const auto error_of = [&](const std::string& text) {
    folder.write("t.csv", text);
    sim::Scenario scenario;
    scenario.clients = {traced("t.csv", 1ms)};
    auto workload = sim::Workload::open(scenario, 1, folder.path());
    if (workload.has_error()) return workload.error().message.substr(folder.path().size() + 1);
    while (true) {
      const auto next = workload->next();
      if (next.has_error()) return next.error().message.substr(folder.path().size() + 1);
      if (!*next) return std::string{"no error"};
    }
  };
  CHECK(error_of("at,in,out\n1.5,2,3\n") == "no error");
  CHECK(error_of("") == "t.csv:0: there is no header line");
  CHECK(error_of("at,in\n") == "t.csv:1: there is no column \"out\"");
  CHECK(error_of("at,in,out\nsoon,1,1\n") == "t.csv:2: \"soon\" is no time");
  CHECK(error_of("at,in,out\n2,1,1\n1,1,1\n") ==
        "t.csv:3: the rows are not in the order of their times");
  CHECK(error_of("at,in,out\n1,1\n") == "t.csv:2: there is no number of tokens from 0 to 10000000");
  CHECK(error_of("at,in,out\n1,1,-4\n") ==
        "t.csv:2: there is no number of tokens from 0 to 10000000");
}

TEST_CASE("trace times: calendar and numbers, exact", "[simulations][workload]") {
  CHECK(sim::parse_calendar("1970-01-02T00:00:00Z") == 24h);
  CHECK(sim::parse_calendar("1970-01-01 00:00:01.000000001") == 1s + 1ns);
  CHECK(sim::parse_calendar("1970-01-02 00:00:00.5+00:00") == 24h + 500ms);
  CHECK(sim::parse_calendar("1970-01-02T02:30:00+02:30") == 24h);
  CHECK(sim::parse_calendar("1970-01-01T19:00:00-05:00") == 24h);
  for (const char* text :
       {"", "1970", "1970-13-01 00:00:00", "1970-01-01 24:00:00", "1970-01-01 00:00:00 later",
        "1970-01-01x00:00:00", "1970-01-01 00:00:00+1:00", "1970-01-01 00:00:00+0100",
        "1970-01-01 00:00:00+15:00", "1970-01-01 00:00:00+01:00Z"}) {
    CHECK_FALSE(sim::parse_calendar(text));
  }
  CHECK(sim::parse_amount("12", 1s) == 12s);
  CHECK(sim::parse_amount("0.000000001", 1s) == 1ns);
  CHECK(sim::parse_amount("1.25", 1ms) == 1'250us);
  for (const char* text : {"", "-1", "1e3", "1.2.3", "99999999999999999999"}) {
    CHECK_FALSE(sim::parse_amount(text, 1s));
  }
}

}  // namespace signalbox::testing
