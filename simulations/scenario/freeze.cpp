#include "simulations/scenario/freeze.hpp"

#include <algorithm>

#include "simulations/scenario/workload.hpp"

namespace signalbox::sim {
namespace {

/// @returns null where nobody says how long its calls take.
const ServiceLaw* service_of(const Scenario& scenario, const ClientSpec& client) {
  if (client.slot) return &client.slot->hold;
  const std::string& target = client.target;
  const auto place = std::find_if(
      scenario.backends.begin(), scenario.backends.end(), [&](const BackendSpec& backend) {
        return backend.name == target || backend.pool == target || backend.model == target;
      });
  return place == scenario.backends.end() ? nullptr : &place->service;
}

TraceRow row_of(const Arrival& arrival, const ServiceLaw* service) {
  TraceRow row;
  row.at = arrival.at;
  row.tokens_in = arrival.size.tokens_in;
  row.tokens_out = arrival.size.tokens_out;
  row.service = arrival.size.service;
  row.acts = arrival.acts;
  row.session = arrival.session;
  if (service != nullptr) row.service = service->draw(arrival.size);
  return row;
}

void set_rows(ClientSpec& client, std::vector<TraceRow> rows) {
  client.arrival = {};
  client.arrival.kind = ArrivalKind::recorded;
  client.arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(rows));
  client.tokens_in = client.tokens_out = Law{};
  client.cancel = client.hang_up = client.duplicate = std::nullopt;
  client.tasks.reset();
  client.sessions = 0;
  client.start = Duration::zero();
}

}  // namespace

bool is_frozen(const ClientSpec& client) {
  return client.arrival.kind == ArrivalKind::recorded;
}

Result<Scenario> freeze(const Scenario& scenario, const FreezeOptions& options) {
  auto workload = Workload::open(scenario, scenario.seed, options.traces);
  if (workload.has_error()) return workload.error();
  std::vector<std::vector<TraceRow>> rows(scenario.clients.size());
  while (true) {
    const auto arrival = workload->next();
    if (arrival.has_error()) return arrival.error();
    if (!*arrival) break;
    const ClientSpec& client = scenario.clients[(*arrival)->client];
    const ServiceLaw* service = options.fixes_service ? service_of(scenario, client) : nullptr;
    rows[(*arrival)->client].push_back(row_of(**arrival, service));
  }
  Scenario frozen = scenario;
  for (std::size_t index = 0; index < rows.size(); ++index) {
    // When a user calls is known only to a run.
    const bool is_open = scenario.clients[index].arrival.kind != ArrivalKind::closed;
    if (is_open && options.client.value_or(index) == index) {
      set_rows(frozen.clients[index], std::move(rows[index]));
    }
  }
  if (std::all_of(frozen.clients.begin(), frozen.clients.end(), is_frozen)) {
    frozen.tasks.reset();
    frozen.horizon.reset();
  }
  return frozen;
}

}  // namespace signalbox::sim
