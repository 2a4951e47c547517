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

// One that comes and goes with each of its heartbeats is never sound.
bool Invariants::are_servers_sound() const {
  const auto comes_and_goes = [&](const BackendSpec& backend) {
    return backend.worker && backend.worker->heartbeat >= x_scenario.worker_timeout;
  };
  const auto& backends = x_scenario.backends;
  return !x_are_servers_shaken && std::none_of(backends.begin(), backends.end(), comes_and_goes);
}

void Invariants::shake_servers() {
  x_are_servers_shaken = true;
  x_were_servers_shaken = true;
  x_clean_since.reset();
}

// A fault outlives its end: in the calls that met it, in breakers, in aborts that nobody confirms.
// When nothing of it has been seen for longer than those last, what a session does tells where it
// is at home again.
void Invariants::judge_servers(const std::vector<Llm>& llms) {
  if (!x_are_servers_shaken) return;
  const auto is_in_force = [&](const Fault& fault) {
    return shape_of(fault.kind).target == FaultTarget::backend && fault.at <= x_now &&
           x_now <= fault.at + fault.lasts;
  };
  const auto is_held_still = [&](TaskId id) {
    const auto task = x_tasks.find(id);
    return task != x_tasks.end() && is_held(task->second.row->state);
  };
  const auto is_well = [](const Llm& llm) {
    return llm.status != LlmStatus::inactive && llm.breaker == BreakerState::closed;
  };
  const auto& faults = x_scenario.faults;
  const bool is_clean = std::none_of(faults.begin(), faults.end(), is_in_force) &&
                        std::none_of(x_met_fault.begin(), x_met_fault.end(), is_held_still) &&
                        std::all_of(llms.begin(), llms.end(), is_well);
  if (!is_clean) {
    x_clean_since.reset();
    return;
  }
  if (!x_clean_since) x_clean_since = x_now;
  if (x_now - *x_clean_since <= abort_patience) return;
  x_are_servers_shaken = false;
  x_clean_since.reset();
  x_homes.clear();
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
    if (x_were_servers_shaken && are_servers_sound()) hit(Probe::session_kept_after_fault);
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
