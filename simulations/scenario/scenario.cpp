#include "simulations/scenario/scenario.hpp"

#include <algorithm>

namespace signalbox::sim {

bool operator==(const ArrivalLaw& left, const ArrivalLaw& right) {
  const bool are_rows_equal = left.rows == nullptr || right.rows == nullptr
                                  ? left.rows == right.rows
                                  : *left.rows == *right.rows;
  return left.kind == right.kind && left.gap == right.gap && left.trace == right.trace &&
         left.hyperexp == right.hyperexp && left.on_off == right.on_off &&
         left.closed == right.closed && are_rows_equal;
}

void set_policy(Scenario& scenario, const std::string& policy) {
  for (auto& [name, settings] : scenario.profiles) settings.policy = policy;
}

void set_slots(Scenario& scenario, std::uint32_t slots) {
  for (auto& [name, settings] : scenario.profiles) {
    settings.max_concurrent = slots;
    settings.tune_slots.reset();
  }
}

std::uint32_t count_slots(const Scenario& scenario) {
  std::uint32_t slots = 0;
  for (const auto& [name, settings] : scenario.profiles) {
    slots += settings.most_slots().value_or(1);
  }
  return slots;
}

bool is_plain(const Scenario& scenario) {
  const auto acts = [](const ClientSpec& client) {
    if (client.is_async || client.cancel || client.hang_up || client.duplicate) return true;
    if (client.slot) return true;
    const auto& rows = client.arrival.rows;
    return rows != nullptr && std::any_of(rows->begin(), rows->end(), [](const TraceRow& row) {
             return row.acts != CallActs{};
           });
  };
  const auto is_worker = [](const BackendSpec& backend) { return backend.worker.has_value(); };
  return scenario.faults.empty() &&
         std::none_of(scenario.backends.begin(), scenario.backends.end(), is_worker) &&
         !scenario.gc && !scenario.schedule_seed &&
         std::none_of(scenario.clients.begin(), scenario.clients.end(), acts);
}

}  // namespace signalbox::sim
