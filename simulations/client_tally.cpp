#include "simulations/client_tally.hpp"

#include "core/waiter_view.hpp"

namespace signalbox::sim {

ClientTally::ClientTally(const Scenario& scenario, Duration promised)
    : x_scenario{&scenario}, x_promised{promised}, x_clients(scenario.clients.size()) {}

void ClientTally::ended(const EndedTask& task) {
  ClientFigures& figures = x_clients[task.client];
  const bool is_counted =
      task.dispatched_at && (!x_scenario->horizon || *task.dispatched_at <= *x_scenario->horizon);
  if (is_counted) figures.service += token_cost(task.size.tokens_in, task.size.tokens_out);
  if (task.number <= x_scenario->warmup_tasks) return;
  if (task.number == x_scenario->warmup_tasks + 1) x_counted_from = task.arrived_at;
  ++figures.submitted;
  if (task.status != CallStatus::ok) return;
  const Duration latency = task.ended_at - task.arrived_at;
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
