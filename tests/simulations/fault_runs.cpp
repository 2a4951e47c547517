#include "tests/simulations/fault_runs.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace signalbox::testing {

using namespace std::chrono_literals;

sim::Scenario one_call() {
  sim::Scenario scenario;
  scenario.name = "one call";
  ProfileSettings line;
  line.max_concurrent = 1;
  line.default_inference_s = 5;
  scenario.profiles["line"] = line;
  sim::BackendSpec server;
  server.name = "server";
  server.capacity = 1;
  server.service.base = {sim::LawKind::constant, std::chrono::nanoseconds{1s}.count()};
  scenario.backends.push_back(server);
  sim::ClientSpec client;
  client.name = "client";
  client.profile = "line";
  client.target = "server";
  client.arrival.kind = sim::ArrivalKind::recorded;
  client.arrival.rows = std::make_shared<const std::vector<sim::TraceRow>>(
      std::vector<sim::TraceRow>{{500ms, {}, {}, {}, {}}});
  scenario.clients.push_back(client);
  return scenario;
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << to_string(outcome.status) << " at " << sim::to_us(outcome.at) << " us, fault "
             << outcome.times << " times";
}

Outcome run_with(const sim::Fault& fault, const sim::Scenario& usual) {
  sim::Scenario scenario = usual;
  scenario.faults.push_back(fault);
  Ends ends;
  const auto figures = sim::run(scenario, {.observer = &ends});
  REQUIRE(figures.has_value());
  REQUIRE(ends.all.size() == 1);
  return {ends.all.front().status, ends.all.front().ended_at,
          figures->faults[static_cast<std::size_t>(fault.kind)]};
}

std::shared_ptr<const std::vector<sim::TraceRow>> rows_at(const std::vector<Duration>& times) {
  std::vector<sim::TraceRow> rows;
  for (const Duration at : times) rows.push_back({at, {}, {}, {}, {}});
  return std::make_shared<const std::vector<sim::TraceRow>>(std::move(rows));
}

std::vector<sim::EndedTask> run_all(const sim::Scenario& scenario) {
  Ends ends;
  REQUIRE(sim::run(scenario, {.observer = &ends}).has_value());
  std::sort(ends.all.begin(), ends.all.end(),
            [](const auto& left, const auto& right) { return left.number < right.number; });
  return ends.all;
}

std::vector<Duration> ends_of(const sim::Scenario& scenario) {
  std::vector<Duration> times;
  for (const auto& task : run_all(scenario)) times.push_back(task.ended_at);
  return times;
}

std::vector<Duration> starts_of(const sim::Scenario& scenario) {
  std::vector<Duration> times;
  for (const auto& task : run_all(scenario)) times.push_back(task.started_at);
  return times;
}

std::vector<CallStatus> statuses_of(const sim::Scenario& scenario) {
  std::vector<CallStatus> statuses;
  for (const auto& task : run_all(scenario)) statuses.push_back(task.status);
  return statuses;
}

}  // namespace signalbox::testing
