#include "simulations/figures/client_tally.hpp"

#include <algorithm>

#include "core/policies/waiter_view.hpp"

namespace signalbox::sim {

ClientTally::ClientTally(const Scenario& scenario, Duration promised)
    : x_scenario{&scenario}, x_promised{promised}, x_clients(scenario.clients.size()) {
  if (!scenario.horizon || *scenario.horizon <= Duration::zero()) return;
  x_service_by_step.assign(gap_steps, std::vector<std::int64_t>(scenario.clients.size()));
}

std::int64_t ClientTally::largest_gap() const {
  std::vector<std::int64_t> service(x_clients.size());
  std::int64_t largest = 0;
  for (const auto& step : x_service_by_step) {
    for (std::size_t client = 0; client < service.size(); ++client) service[client] += step[client];
    const auto [least, most] = std::minmax_element(service.begin(), service.end());
    if (least != service.end()) largest = std::max(largest, *most - *least);
  }
  return largest;
}

void ClientTally::count_service(const EndedTask& task) {
  const std::int64_t cost = token_cost(task.size.tokens_in, task.size.tokens_out);
  x_clients[task.client].service += cost;
  if (x_service_by_step.empty()) return;
  // The last moment belongs to the last step.
  const Duration width = *x_scenario->horizon / gap_steps + Duration{1};
  const auto step = static_cast<std::size_t>(*task.dispatched_at / width);
  x_service_by_step[step][task.client] += cost;
}

void ClientTally::ended(const EndedTask& task) {
  ClientFigures& figures = x_clients[task.client];
  const bool is_counted =
      task.dispatched_at && (!x_scenario->horizon || *task.dispatched_at <= *x_scenario->horizon);
  if (is_counted) count_service(task);
  if (task.number == x_scenario->warmup_tasks + 1) x_counted_from = task.arrived_at;
  const Repeat first = task.repeat.value_or(Repeat{0, task.arrived_at, task.number});
  if (first.first_number <= x_scenario->warmup_tasks) return;
  if (first.tries == 0) ++figures.submitted;
  if (task.status != CallStatus::ok || task.is_abandoned) return;
  const Duration latency = task.ended_at - first.first_at;
  ++figures.done;
  figures.latencies.add(latency);
  figures.latency_sum += latency.count();
  figures.wait_sum += task.wait.count();
  if (latency <= x_promised) ++figures.in_time;
}

double jain_index(const std::vector<double>& shares) {
  double sum = 0;
  double squares = 0;
  for (const double share : shares) {
    sum += share;
    squares += share * share;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

}  // namespace signalbox::sim
