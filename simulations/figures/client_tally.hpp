// What a run did for each of its clients: how long their calls took, and how much of the backends'
// work was theirs.
#pragma once

#include <cstdint>
#include <vector>

#include "simulations/figures/recorder.hpp"

namespace signalbox::sim {

struct ClientFigures {
  /// Without the warm-up. A call that was made again counts once, with all its tries.
  std::uint64_t submitted = 0;
  std::uint64_t done = 0;
  /// Of those done: from the call, or the first try, to its end.
  WaitSample latencies;
  TaskTime latency_sum = 0;
  TaskTime wait_sum = 0;
  /// Done within the time that was promised.
  std::uint64_t in_time = 0;
  /// Cost in tokens (core/policies/waiter_view.hpp) of the calls that got a slot while calls were
  /// still made, counted when they got it; the warm-up's too.
  std::int64_t service = 0;
};

class ClientTally final : public RunObserver {
 public:
  /// @param scenario must outlive it. @param promised a call that takes longer is late.
  ClientTally(const Scenario& scenario, Duration promised);

  void ended(const EndedTask& task) override;
  void sampled(std::uint64_t, const LineState&) override {}

  /// In the scenario's order of clients.
  [[nodiscard]] const std::vector<ClientFigures>& clients() const { return x_clients; }
  [[nodiscard]] const Scenario& scenario() const { return *x_scenario; }
  /// When the first call after the warm-up was made.
  [[nodiscard]] Duration counted_from() const { return x_counted_from; }
  /// @returns by how much the service that one client has had was ahead of another's at most, at
  /// any time while calls were made. Zero in a run without a horizon.
  [[nodiscard]] std::int64_t largest_gap() const;

 private:
  void count_service(const EndedTask& task);

  const Scenario* x_scenario;
  Duration x_promised;
  std::vector<ClientFigures> x_clients;
  Duration x_counted_from{};
  /// Service of each client in each of `gap_steps` equal parts of the time in which calls are made.
  static constexpr std::int64_t gap_steps = 1'000;
  std::vector<std::vector<std::int64_t>> x_service_by_step;
};

/// Jain's index of fairness: 1 when all are equal, 1/n when one has everything; 1 when nobody has
/// anything.
double jain_index(const std::vector<double>& shares);

}  // namespace signalbox::sim
