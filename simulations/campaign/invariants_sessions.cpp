// Sessions of pools with the choice `affinity`: their calls stay on one backend, in order (I5, I7).
#include <algorithm>

#include "core/backends/directory.hpp"
#include "simulations/campaign/invariants.hpp"

namespace signalbox::sim {

std::string Invariants::session_of(TaskId id, const Task& row) const {
  const auto choice = x_scenario.pools.find(row.pool);
  if (choice == x_scenario.pools.end() || choice->second != ChoiceKind::affinity) return {};
  const auto task = x_tasks.find(id);
  const auto call = x_call_of.find(id);
  // A restart forgets them.
  const bool is_known =
      task != x_tasks.end() && !task->second.is_restored && call != x_call_of.end();
  return is_known ? x_calls.at(call->second).made.session : std::string{};
}

bool Invariants::are_servers_sound() const {
  const auto comes_and_goes = [&](const BackendSpec& backend) {
    return backend.worker && backend.worker->heartbeat >= x_scenario.worker_timeout;
  };
  const auto& backends = x_scenario.backends;
  if (std::any_of(backends.begin(), backends.end(), comes_and_goes)) return false;
  const auto& faults = x_scenario.faults;
  return std::none_of(faults.begin(), faults.end(), [&](const Fault& fault) {
    return shape_of(fault.kind).target == FaultTarget::backend && fault.at <= x_now;
  });
}

std::string Invariants::home_of(const Task& row, const std::string& session) const {
  // A call that was tried again elsewhere has taken its session along.
  if (session.empty() || !are_servers_sound()) return {};
  const auto home = x_homes.find({row.pool, session});
  return home == x_homes.end() ? std::string{} : home->second;
}

// A session goes elsewhere when its own backend is not there, or has failed it, or has kept it
// waiting for long while others had room.
void Invariants::note_home(TaskId id, const TaskPicture& claimed) {
  const Task& row = *claimed.row;
  const std::string session = session_of(id, row);
  if (session.empty()) return;
  const Duration waited = x_now - claimed.pending_at;
  const auto before = x_homes.find({row.pool, session});
  if (before != x_homes.end() && before->second == row.backend) {
    if (waited > Duration::zero()) hit(Probe::session_waited_for_home);
    return;
  }
  if (before != x_homes.end()) {
    require(!are_servers_sound() || waited >= overflow_after, 7,
            "task " + id.to_string() + " left its session's backend " + before->second);
    hit(Probe::session_left_home);
  }
  // Who only gives way to others is at home where it was.
  if (waited < overflow_after) x_homes[{row.pool, session}] = row.backend;
}

}  // namespace signalbox::sim
