// What is done to the house, and when which of the rules is looked at.
#include "simulations/campaign/invariants.hpp"

#include <algorithm>

namespace signalbox::sim {
namespace {

/// After the close looks the house is asked what it thinks of itself every so many.
constexpr std::uint64_t settles_between_questions = 64;

/// Each profile may have one that is not needed any more, and one for a question that was put to it
/// a moment ago; the house has those that it sets for itself.
constexpr std::size_t timers_of_profile = 3;
constexpr std::size_t timers_of_house = 8;
/// One whose session comes and goes with each heartbeat asks for its place each time, and every
/// such question has a timer of its own for up to ten seconds.
constexpr std::size_t timers_of_worker = 80;

/// The server says that it failed; the task may go elsewhere.
bool spoils_attempt(FaultKind kind) {
  return kind == FaultKind::refuse || kind == FaultKind::cut || kind == FaultKind::status ||
         kind == FaultKind::garbage || kind == FaultKind::gone || kind == FaultKind::death ||
         kind == FaultKind::flapping;
}

/// Those in force; where they are tuned, or are those of the backends, they may change at any time.
std::uint32_t most_slots(const actors::ProfileStatus& status) {
  if (!status.settings.most_slots()) return UINT32_MAX;
  const bool is_tuned = status.settings.tune_slots && status.occupancy.slots > 0;
  return is_tuned ? status.settings.tune_slots->max : status.occupancy.slots;
}

}  // namespace

Invariants::Invariants(const Scenario& scenario, std::uint64_t close_looks)
    : x_scenario{scenario}, x_close_looks{close_looks} {
  for (const BackendSpec& server : scenario.backends) {
    x_capacity_max[server.name] = server.capacity.value_or(count_slots(scenario));
    for (const std::string& model : server.models) x_servers[model] = server.name;
  }
}

void Invariants::require(bool holds, int invariant, const std::string& what) {
  if (holds || x_violation) return;
  x_violation = Violation{invariant, x_now, what};
}

void Invariants::pass_time(Duration now) {
  require(now >= x_now, 6, "time went back");
  if (now > x_now) {
    x_left_line.clear();
    for (auto& [name, profile] : x_profiles) {
      profile.held_min = profile.held.size();
      profile.has_new = {};
    }
  }
  x_now = now;
}

// -- what is done to the house --------------------------------------------------------------------

void Invariants::called(const MadeCall& call, Duration now) {
  pass_time(now);
  CallPicture& picture = x_calls[call.number];
  picture.made = call;
  picture.at = now;
  x_call_of[call.task] = call.number;
  x_unanswered.insert(call.number);
  if (!call.idempotency_key.empty()) note_key(call);
}

void Invariants::note_key(const MadeCall& call) {
  const auto [first, is_first] = x_first_of_key.try_emplace(call.idempotency_key, call.task);
  if (is_first) return;
  const auto met = x_tasks.find(first->second);
  if (met == x_tasks.end()) return;
  const TaskState state = met->second.row->state;
  if (state == TaskState::pending) hit(Probe::duplicate_met_waiting);
  if (is_held(state)) hit(Probe::duplicate_met_running);
  if (is_terminal(state)) hit(Probe::duplicate_met_ended);
}

void Invariants::hung_up(actors::CallNumber call, Duration now) {
  pass_time(now);
  CallPicture& picture = x_calls.at(call);
  if (!picture.hung_up_at) picture.hung_up_at = now;
  // With a key the caller may come back; with an id it asks when it likes.
  const bool is_last =
      picture.made.idempotency_key.empty() && !x_scenario.clients[picture.made.client].is_async;
  if (is_last) x_ordered_ends.push_back(picture.made.task);
  x_unanswered.erase(call);
  const auto task = x_tasks.find(picture.made.task);
  if (task == x_tasks.end() || picture.is_answered) return;
  if (task->second.row->state == TaskState::pending) hit(Probe::hang_up_in_line);
  if (picture.has_begun) hit(Probe::hang_up_mid_stream);
}

void Invariants::cancelled(actors::CallNumber call, Duration now) {
  pass_time(now);
  CallPicture& picture = x_calls.at(call);
  picture.cancelled_at = now;
  x_ordered_ends.push_back(picture.made.task);
  const auto task = x_tasks.find(picture.made.task);
  if (task != x_tasks.end() && is_terminal(task->second.row->state)) hit(Probe::cancel_after_end);
}

void Invariants::configured(const std::string& profile, Duration now) {
  pass_time(now);
  ProfilePicture& picture = x_profiles[profile];
  picture.is_changing = true;
  x_is_changing = true;
  // Whatever it is changed to: the one or the other holds until the change is through.
  for (const Fault& fault : x_scenario.faults) {
    if (fault.target != profile) continue;
    const auto amount = static_cast<std::uint32_t>(fault.amount);
    if (fault.kind == FaultKind::slots || fault.kind == FaultKind::edit_slots) {
      picture.slots_max = std::max(picture.slots_max, amount);
    }
    if (fault.kind == FaultKind::bound) {
      picture.queued_max = std::max(picture.queued_max, amount);
      picture.queued_min = std::min(picture.queued_min, amount);
    }
  }
  // One that the configuration has lost is as any that nobody named.
  for (const ProfileSettings& usual : {x_scenario.profiles.at(profile), ProfileSettings{}}) {
    picture.slots_max = std::max(picture.slots_max, usual.most_slots().value_or(UINT32_MAX));
    picture.queued_max = std::max(picture.queued_max, usual.max_queued);
    picture.queued_min = std::min(picture.queued_min, usual.max_queued);
  }
}

void Invariants::fault_began(const Fault& fault, Duration now) {
  pass_time(now);
  if (shape_of(fault.kind).target == FaultTarget::backend) shake_servers();
  if (fault.kind == FaultKind::capacity) {
    std::uint32_t& most = x_capacity_max.at(fault.target);
    most = std::max(most, static_cast<std::uint32_t>(fault.amount));
  }
  // What comes during one sync waits for the next.
  if (fault.kind == FaultKind::slow_sync) {
    x_write_lag = std::max<Duration>(x_write_lag, 2 * fault.delay);
  }
  if (fault.kind == FaultKind::drain) x_is_draining = true;
}

void Invariants::given(TaskId id, const BackendSpec& server, Duration time, const Fault* fault,
                       Duration now) {
  pass_time(now);
  if (fault == nullptr) {
    x_met_fault.erase(id);
  } else {
    x_met_fault.insert(id);
    shake_servers();
  }
  const bool is_spoiled = fault != nullptr && spoils_attempt(fault->kind);
  if (is_spoiled) {
    x_met_failure.insert(id);
    x_held_by[server.name].erase(id);
  }
  const auto task = x_tasks.find(id);
  if (task == x_tasks.end()) {
    // In relaxed mode a call may run before its row is there.
    require(x_scenario.commit == CommitMode::relaxed, 10,
            "a server was given a call without a row");
    return;
  }
  TaskPicture& picture = task->second;
  const bool is_over = is_terminal(picture.row->state);
  require(!is_over || picture.ended_at == now, 11, "a server was given a call that has ended");
  picture.done_at = now + time;
  picture.met_late_completion = fault != nullptr && fault->kind == FaultKind::late_completion;
}

// -- life and death -------------------------------------------------------------------------------

void Invariants::learn_settings(SimulatedHouse& house) {
  std::set<std::string> listed;
  for (const actors::ProfileStatus& status : house.list_profiles().profiles) {
    ProfilePicture& picture = x_profiles[status.name];
    const bool has_new_policy =
        picture.is_changing && picture.settings.policy != status.settings.policy;
    if (has_new_policy && !picture.pending.empty()) hit(Probe::policy_changed_under_line);
    picture.settings = status.settings;
    picture.slots_max = most_slots(status);
    picture.queued_max = status.settings.max_queued;
    picture.queued_min = status.settings.max_queued;
    picture.is_changing = false;
    if (picture.held.size() > status.occupancy.slots) hit(Probe::slots_below_running);
    listed.insert(status.name);
  }
  // Nobody has named them; they are made when the first call does.
  for (auto& [name, picture] : x_profiles) {
    if (listed.contains(name)) continue;
    picture.settings = {};
    picture.slots_max = UINT32_MAX;
    picture.queued_max = picture.queued_min = picture.settings.max_queued;
    picture.is_changing = false;
  }
  x_is_changing = false;
}

void Invariants::started(SimulatedHouse& house, Duration now) {
  pass_time(now);
  if (house.starts() == 1) {
    x_actors_of_house = house.running_actors() - house.list_profiles().profiles.size();
  }
  learn_settings(house);
}

void Invariants::died(Death death, Duration now) {
  pass_time(now);
  const bool was_running = std::any_of(x_profiles.begin(), x_profiles.end(), [](const auto& entry) {
    return !entry.second.held.empty();
  });
  if (was_running && death != Death::in_good_order) hit(Probe::crash_with_running_tasks);
  x_is_draining = false;
  if (death == Death::in_good_order) check_shelved();
  if (death == Death::before_commit) hit(Probe::crash_before_commit);
  if (death == Death::after_commit) hit(Probe::crash_after_commit);
  // Their connections are gone: they are told nothing any more.
  x_unanswered.clear();
  x_passed.clear();
  x_ordered_ends.clear();
  x_ended_in_slot.clear();
  x_refusals.clear();
  x_homes.clear();
  lose_slots();
}

// Who ran has been put back, and that is on the disk.
void Invariants::check_shelved() {
  hit(Probe::stopped_in_good_order);
  for (auto& [id, task] : x_tasks) {
    const auto& log = task.row->attempt_log;
    const bool was_returned = !log.empty() && log.back().outcome == Attempt::Outcome::returned;
    if (task.row->state == TaskState::pending && was_returned) task.was_shelved = true;
    require(!is_held(task.row->state) || task.is_adrift, 12,
            "task " + id.to_string() + " is " + std::string{to_string(task.row->state)} +
                " though the broker has stopped in good order");
  }
}

void Invariants::recovered(const ObservedStore& store, Duration now) {
  pass_time(now);
  check_rows(store);
  // A configuration that was edited is in force from here on.
  for (const auto& [name, settings] : x_scenario.profiles) configured(name, now);
}

void Invariants::committed(const StoreOp& op, const StoreResult& result, Duration now) {
  pass_time(now);
  const bool is_failed = result.outcome == StoreResult::Outcome::failed;
  if (is_failed) ++x_failed_commits;
  if (const auto* insert = std::get_if<InsertTask>(&op)) {
    if (is_failed) hit(Probe::insert_not_stored);
    if (result.outcome == StoreResult::Outcome::applied) inserted(*insert, result);
  } else if (const auto* move = std::get_if<MoveTask>(&op)) {
    if (is_failed) not_stored(move->id, is_terminal(move->to));
    if (result.outcome == StoreResult::Outcome::applied) moved(*move, result);
  } else if (const auto* gone = std::get_if<DeleteTask>(&op)) {
    if (result.outcome == StoreResult::Outcome::applied) deleted(gone->id);
  }
}

// Who was refused then, nobody can judge.
void Invariants::writing(Duration now) {
  pass_time(now);
  x_refusals.clear();
}

void Invariants::settled(SimulatedHouse& house, Duration now) {
  pass_time(now);
  if (is_broken()) return;
  note_new_slots();
  check_passed_over();
  check_budgets();
  check_slots();
  check_slots_in_use();
  check_bounds();
  check_refusals();
  check_obeyed();
  ++x_settles;
  if (x_is_changing) {
    learn_settings(house);
  } else if (x_settles <= x_close_looks || x_settles % settles_between_questions == 0) {
    check_house(house);
  }
}

void Invariants::finished(SimulatedHouse& house, const RunFigures& figures, std::size_t open,
                          Duration now) {
  pass_time(now);
  require(open == 0, 14, std::to_string(open) + " calls never ended");
  for (const auto& [id, slot] : x_slots) {
    require(false, 1, "slot " + slot.asked.slot.to_string() + " never ended");
  }
  check_answers();
  // Before it is asked anything: questions have timers of their own.
  const std::size_t timers = house.pending_timers();
  const auto workers = static_cast<std::size_t>(
      std::count_if(x_scenario.backends.begin(), x_scenario.backends.end(),
                    [](const BackendSpec& backend) { return backend.worker.has_value(); }));
  require(timers <=
              timers_of_house + timers_of_profile * x_profiles.size() + timers_of_worker * workers,
          12, std::to_string(timers) + " timers are left");
  learn_settings(house);
  check_house(house);
  check_leftovers(house);
  check_figures(house, figures);
}

}  // namespace signalbox::sim
