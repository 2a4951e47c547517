#include "simulations/scenario/recording.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

/// Calls that differ in time and size only.
using ClientKey = std::tuple<std::string, Priority, std::string, std::string>;

ClientKey key_of(const RecordedCall& call) {
  return {call.profile, call.priority, call.owner, call.target};
}

/// Rows cut times to the millisecond, so a call may seem to begin that much too early.
constexpr Duration row_precision = std::chrono::milliseconds{1};

/// Two calls of one profile ran at once if one began before the other ended, by more than rows may
/// be wrong.
std::uint32_t most_at_once(const std::vector<RecordedCall>& calls, const std::string& profile) {
  std::vector<std::pair<Duration, int>> changes;
  for (const RecordedCall& call : calls) {
    if (call.profile != profile) continue;
    changes.emplace_back(call.admitted_at + std::min(row_precision, call.service), 1);
    changes.emplace_back(call.admitted_at + call.service, -1);
  }
  // At one moment an end comes before a beginning.
  std::sort(changes.begin(), changes.end());
  int running = 0;
  int most = 1;
  for (const auto& [at, change] : changes) {
    running += change;
    most = std::max(most, running);
  }
  return std::min(static_cast<std::uint32_t>(most), max_concurrent_max);
}

/// Clients of a scenario come in a fixed order at one instant, so calls of one millisecond are set
/// a nanosecond apart. @param calls in order.
void tell_apart(std::vector<RecordedCall>& calls) {
  Duration recorded{};
  for (std::size_t index = 0; index < calls.size(); ++index) {
    const bool is_tie =
        index > 0 && calls[index].queued_at == recorded && calls[index].id != calls[index - 1].id;
    recorded = calls[index].queued_at;
    if (is_tie) calls[index].queued_at = calls[index - 1].queued_at + Duration{1};
  }
}

/// Nothing ends a call before its time.
ProfileSettings patient_settings(std::uint32_t slots) {
  ProfileSettings settings;
  settings.max_concurrent = slots;
  settings.max_queued = max_queued_max;
  settings.default_queue_wait_s = budget_s_max;
  settings.default_inference_s = budget_s_max;
  return settings;
}

/// Policies learn from it what calls come to, as they do in the daemon.
BackendSpec patient_backend(const std::string& name) {
  BackendSpec backend;
  backend.name = name;
  backend.capacity = max_concurrent_max;
  backend.reports_usage = true;
  return backend;
}

/// Calls come so many times as fast, the first of them at the start. @pre there is one.
void set_traffic(std::vector<RecordedCall>& calls, std::uint32_t traffic) {
  const auto first = std::min_element(
      calls.begin(), calls.end(),
      [](const auto& left, const auto& right) { return left.queued_at < right.queued_at; });
  const Duration start = first->queued_at;
  for (RecordedCall& call : calls) call.queued_at = at_traffic(call.queued_at - start, traffic);
}

}  // namespace

Scenario replay_scenario(std::vector<RecordedCall> calls, const std::string& name,
                         std::uint32_t traffic) {
  SIGNALBOX_ASSERT(!calls.empty());
  set_traffic(calls, traffic);
  std::stable_sort(calls.begin(), calls.end(), [](const auto& left, const auto& right) {
    return std::tie(left.queued_at, left.id) < std::tie(right.queued_at, right.id);
  });
  tell_apart(calls);
  Scenario scenario;
  scenario.name = name;
  std::map<ClientKey, std::vector<TraceRow>> clients;
  std::set<std::string> targets;
  for (const RecordedCall& call : calls) {
    clients[key_of(call)].push_back(
        {call.queued_at, call.tokens_in, call.tokens_out, call.service});
    targets.insert(call.target);
  }
  for (const std::string& target : targets) scenario.backends.push_back(patient_backend(target));
  for (auto& [key, rows] : clients) {
    ClientSpec client;
    std::tie(client.profile, client.priority, client.owner, client.target) = key;
    client.name = client.owner + "/" + std::to_string(scenario.clients.size());
    client.arrival.kind = ArrivalKind::recorded;
    client.arrival.rows = std::make_shared<const std::vector<TraceRow>>(std::move(rows));
    client.declares_input = true;
    if (!scenario.profiles.contains(client.profile)) {
      scenario.profiles[client.profile] = patient_settings(most_at_once(calls, client.profile));
    }
    scenario.clients.push_back(std::move(client));
  }
  return scenario;
}

Scenario replay_trace(ArrivalLaw arrival, const TraceReplay& replay, const std::string& name) {
  Scenario scenario;
  scenario.name = name;
  scenario.profiles[name] = patient_settings(replay.slots);
  BackendSpec backend = patient_backend(name);
  backend.service = replay.service;
  scenario.backends.push_back(std::move(backend));
  ClientSpec client;
  client.name = client.owner = client.profile = client.target = name;
  client.declares_input = true;
  client.arrival = std::move(arrival);
  scenario.clients.push_back(std::move(client));
  return scenario;
}

}  // namespace signalbox::sim
