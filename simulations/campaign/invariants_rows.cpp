// What is committed: states, slots, order, records (I2, I3, I6, I7, I8, I10).
#include <algorithm>
#include <utility>

#include "simulations/campaign/invariants.hpp"

namespace signalbox::sim {
namespace {

std::string name_of(const Task& row) {
  return "task " + row.id.to_string();
}

/// The daemon's, unless it is told otherwise.
constexpr std::ptrdiff_t attempts_max = 3;

bool has_times_in_order(const Task& row) {
  const WallTime none{};
  const auto is_after = [&](WallTime later, WallTime earlier) {
    return later == none || later >= earlier;
  };
  return is_after(row.claimed_at, row.created_at) &&
         is_after(row.stream_started_at, row.claimed_at) &&
         is_after(row.completed_at, row.created_at) && is_after(row.completed_at, row.claimed_at) &&
         is_after(row.completed_at, row.stream_started_at);
}

/// Ids of one life of the broker may be before those of an earlier one, and a start puts the
/// backlog in their order.
bool has_clock_jumped(const Scenario& scenario, Duration now) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(), [&](const Fault& fault) {
    return fault.kind == FaultKind::wall_jump && fault.at <= now;
  });
}

/// A class before another goes first under all policies but this one.
bool has_aging(const ProfileSettings& settings) {
  return settings.policy == "aging";
}

}  // namespace

void Invariants::inserted(const InsertTask& op, const StoreResult& result) {
  const TaskId id = op.task->id;
  require(!x_tasks.contains(id), 2, name_of(*op.task) + " was inserted twice");
  require(op.task->state == TaskState::pending, 2, name_of(*op.task) + " was not born pending");
  TaskPicture& task = x_tasks[id];
  task.row = result.task;
  task.first_pending_at = x_now;
  enter(id, task, TaskState::pending);
  if (task.row->attended) {
    x_profiles[task.row->profile].has_new[to_index(task.row->priority)] = true;
  }
}

void Invariants::enter(TaskId id, TaskPicture& task, TaskState state) {
  if (task.is_adrift) return;
  ProfilePicture& profile = x_profiles[task.row->profile];
  if (state == TaskState::pending) {
    task.pending_at = x_now;
    task.granted_at.reset();
    task.done_at.reset();
    profile.pending.insert(id);
  } else if (is_held(state)) {
    if (!task.granted_at) task.granted_at = x_now;
    profile.held.insert(id);
    if (!x_met_failure.contains(id)) x_held_by[server_of(task.row->backend)].insert(id);
  }
}

void Invariants::leave(TaskId id, const TaskPicture& task) {
  ProfilePicture& profile = x_profiles[task.row->profile];
  if (profile.pending.erase(id) > 0) {
    x_left_line.emplace_back(task.row->profile, task.row->priority);
  }
  profile.held.erase(id);
  if (!task.row->backend.empty()) x_held_by[server_of(task.row->backend)].erase(id);
}

void Invariants::note_freed(ProfilePicture& profile, const TaskPicture& turn) const {
  const bool was_in_before = turn.granted_at && *turn.granted_at < x_now;
  if (was_in_before && profile.held_min > 0) --profile.held_min;
}

void Invariants::moved(const MoveTask& op, const StoreResult& result) {
  const auto place = x_tasks.find(op.id);
  if (place == x_tasks.end()) {
    require(false, 2, name_of(*result.task) + " moved and was never inserted");
    return;
  }
  TaskPicture& task = place->second;
  const auto before = task.row;
  const Task& row = *result.task;
  require(may_go(before->state, row.state), 2,
          name_of(row) + " went from " + std::string{to_string(before->state)} + " to " +
              std::string{to_string(row.state)});
  require(row.attempts >= before->attempts && row.losses >= before->losses, 2,
          name_of(row) + " has fewer attempts than before");
  require(row.preemptions == before->preemptions || row.priority == Priority::background, 7,
          name_of(row) + " was preempted, and is no background task");
  if (row.preemptions > before->preemptions) hit(Probe::preempted);
  if (row.losses > before->losses && worker_of(before->backend) != nullptr) {
    hit(Probe::worker_lost_task);
  }
  require(has_times_in_order(row), 6, name_of(row) + " has times out of order");
  if (is_held(before->state) && !is_held(row.state)) note_freed(x_profiles[row.profile], task);
  leave(op.id, task);
  task.row = result.task;
  if (row.state == TaskState::pending) task.is_returned = true;
  enter(op.id, task, row.state);
  // A claim that the disk did not take is told again when its end is due.
  if (row.state == TaskState::claimed && !task.is_adrift) check_claim(op, task, *before);
  if (is_terminal(row.state)) check_end(op.id, task);
}

const std::string& Invariants::server_of(const std::string& llm) const {
  const auto place = x_servers.find(llm);
  return place == x_servers.end() ? llm : place->second;
}

const WorkerSpec* Invariants::worker_of(const std::string& backend) const {
  const auto& all = x_scenario.backends;
  const auto place = std::find_if(all.begin(), all.end(),
                                  [&](const BackendSpec& each) { return each.name == backend; });
  return place == all.end() || !place->worker ? nullptr : &*place->worker;
}

void Invariants::check_claim(const MoveTask& op, const TaskPicture& task, const Task& before) {
  const Task& row = *task.row;
  require(row.epoch > before.epoch, 2, name_of(row) + " was claimed under an old epoch");
  const auto failures = std::count_if(
      row.attempt_log.begin(), row.attempt_log.end(),
      [](const Attempt& attempt) { return attempt.outcome == Attempt::Outcome::failed; });
  require(failures < attempts_max, 2,
          name_of(row) + " failed " + std::to_string(failures) + " times and is tried again");
  const std::string& server = server_of(row.backend);
  const std::size_t at_server = x_held_by[server].size();
  require(at_server <= x_capacity_max[server], 3,
          std::to_string(at_server) + " tasks at " + server + ", which takes " +
              std::to_string(x_capacity_max[server]));
  const std::string loaded = std::exchange(x_loaded[server], row.backend);
  if (!loaded.empty() && loaded != row.backend) hit(Probe::model_swapped);
  if (is_held(before.state)) {
    if (op.error_code == ErrorCode::backend_unreachable) hit(Probe::retry_after_refusal);
    if (op.error_code == ErrorCode::backend_error) hit(Probe::retry_after_status);
    return;
  }
  ProfilePicture& profile = x_profiles[row.profile];
  profile.has_granted = true;
  const std::size_t in_slots = profile.held.size() - profile.held_by_apps;
  require(in_slots <= profile.slots_max, 3,
          std::to_string(in_slots) + " tasks in " + std::to_string(profile.slots_max) +
              " slots of " + row.profile);
  const auto call = x_call_of.find(op.id);
  if (call != x_call_of.end() && x_calls.at(call->second).cancelled_at == x_now) {
    hit(Probe::cancel_raced_dispatch);
  }
  note_passed_over(op.id, task);
  note_home(op.id, task);
}

void Invariants::check_end(TaskId id, TaskPicture& task) {
  task.ended_at = x_now;
  check_not_early(task);
  if (task.granted_at) x_ended_in_slot[task.row->profile].push_back(x_now);
  const Task& row = *task.row;
  const ErrorCode code = row.error_code;
  const bool is_too_early = row.state == TaskState::completed && task.done_at > x_now;
  require(!is_too_early, 11, name_of(row) + " was completed before its server was done");
  if (code == ErrorCode::queue_wait_timeout) hit(Probe::queue_timeout);
  if (code == ErrorCode::inference_timeout) {
    hit(Probe::run_timeout);
    if (task.done_at == x_now) hit(Probe::timeout_met_completion);
  }
  const WorkerSpec* worker = worker_of(row.backend);
  if (code == ErrorCode::none && worker != nullptr && worker->wakes_in) hit(Probe::worker_woke);
  if (code == ErrorCode::task_expired) hit(Probe::expired_in_backlog);
  if (code == ErrorCode::worker_lost) hit(Probe::lost_too_often);
  if (code == ErrorCode::none && row.losses > 0) hit(Probe::lost_and_run_again);
  if (code == ErrorCode::none && task.was_shelved) hit(Probe::shelved_and_run_again);
  if (code == ErrorCode::none && row.preemptions > 0) hit(Probe::preempted_and_run_again);
  if (code == ErrorCode::backend_stream_failed && row.stream_started_at != WallTime{}) {
    hit(Probe::cut_after_first_byte);
  }
  if (code == ErrorCode::none && task.crashes >= 2) hit(Probe::survived_two_crashes);
  const bool was_stopped = task.granted_at && code != ErrorCode::none;
  if (was_stopped && task.met_late_completion) hit(Probe::completion_after_abort);
  if (task.granted_at && x_profiles[row.profile].pending.empty()) hit(Probe::lease_for_nobody);
  if (row.idempotency_hash.empty()) return;
  const auto [other, is_first] = x_ended_of_key.try_emplace(row.idempotency_hash, id);
  require(is_first, 10,
          name_of(row) + " and " + other->second.to_string() + " have ended under one key");
}

void Invariants::check_not_early(const TaskPicture& task) {
  const Task& row = *task.row;
  if (task.is_adrift) return;
  const auto is_over = [&](Duration since, std::int64_t budget_ms) {
    return x_now + x_write_lag >= since + std::chrono::milliseconds{budget_ms};
  };
  if (row.error_code == ErrorCode::queue_wait_timeout) {
    require(is_over(task.pending_at, row.queue_wait_ms), 9,
            name_of(row) + " was sent away before its queue budget was over");
  }
  if (row.error_code == ErrorCode::inference_timeout && task.granted_at) {
    require(is_over(*task.granted_at, row.inference_ms), 9,
            name_of(row) + " was stopped before its inference budget was over");
  }
}

void Invariants::deleted(TaskId id) {
  const auto place = x_tasks.find(id);
  if (place == x_tasks.end()) return;
  const Task& row = *place->second.row;
  require(is_terminal(row.state), 10, name_of(row) + " was deleted before its end");
  hit(Probe::collected);
  x_met_fault.erase(id);
  x_ended_of_key.erase(row.idempotency_hash);
  x_tasks.erase(place);
}

void Invariants::not_stored(TaskId id, bool is_end) {
  const auto place = x_tasks.find(id);
  if (place == x_tasks.end()) return;
  if (is_end) hit(Probe::end_not_stored);
  if (!place->second.is_adrift) ++x_adrift;
  place->second.is_adrift = true;
  // It has left its slot or come into one; until the next start nobody can say which from the rows.
  if (is_held(place->second.row->state)) {
    note_freed(x_profiles[place->second.row->profile], place->second);
  }
  leave(id, place->second);
}

void Invariants::check_rows(const ObservedStore& store) {
  x_held_by.clear();
  for (auto& [name, profile] : x_profiles) {
    profile.pending.clear();
    profile.held.clear();
    profile.held_by_apps = 0;
    // At this moment nobody has a slot yet, whoever had one before.
    profile.held_min = 0;
  }
  x_adrift = 0;
  for (auto& [id, task] : x_tasks) {
    const auto loaded = store.load(id);
    const bool is_there = loaded.has_value() && loaded->has_value();
    require(is_there, 10, name_of(*task.row) + " did not survive");
    if (!is_there) return;
    const Task& row = **loaded;
    if (is_terminal(task.row->state)) {
      require(row == *task.row, 10, name_of(row) + " had ended and is another now");
      continue;
    }
    ++task.crashes;
    task.is_adrift = false;
    task.is_restored = true;
    task.row = std::make_shared<const Task>(row);
    enter(id, task, row.state);
    if (is_terminal(row.state)) check_end(id, task);
  }
}

// -- order ----------------------------------------------------------------------------------------

/// @returns which rule it breaks that `waits` goes on waiting while `claimed` has a slot; 0 = none.
int Invariants::find_passed_over(const ProfilePicture& profile, const TaskPicture& claimed,
                                 const TaskPicture& waits) const {
  const Task& winner = *claimed.row;
  const Task& loser = *waits.row;
  // Those that came at this moment may have come after it.
  if (loser.pool != winner.pool || waits.pending_at + x_write_lag >= x_now) return 0;
  const bool is_any_restored = waits.is_restored || claimed.is_restored;
  const bool is_same_class = winner.priority == loser.priority;
  if (is_any_restored && is_same_class && has_clock_jumped(x_scenario, x_now)) return 0;
  // What a preempted task gave up is for an interactive call, whatever the policy.
  const bool may_be_preemption =
      profile.settings.preempt == Preempt::background && winner.priority == Priority::interactive;
  if (may_be_preemption && loser.priority != winner.priority) return 0;
  const bool is_older = waits.first_pending_at + x_write_lag < claimed.first_pending_at;
  const std::string loser_session = session_of(loser.id, loser);
  const std::string winner_session = session_of(winner.id, winner);
  if (!loser_session.empty()) {
    // It may wait for its backend while others go elsewhere; but its own calls keep their order.
    const bool is_next = loser_session == winner_session && loser.priority == winner.priority;
    return is_next && is_older ? 7 : 0;
  }
  // Sessions are told to the directory by class and arrival, whatever the policy.
  if (!winner_session.empty() && profile.settings.policy != "strict") return 0;
  const PolicyOptions& options = profile.settings.policy_options;
  if (has_aging(profile.settings)) {
    if (waits.is_restored || claimed.is_restored || x_write_lag > Duration::zero()) return 0;
    const auto age = [&](const TaskPicture& task) {
      return (x_now - task.first_pending_at).count() / 1000 *
             options.aging_weights[to_index(task.row->priority)];
    };
    return age(waits) > age(claimed) ? 8 : 0;
  }
  if (profile.settings.policy == "strict" && options.background_trickle > 0) return 0;
  if (loser.priority != winner.priority) return loser.priority < winner.priority ? 7 : 0;
  if (!is_older) return 0;
  if (profile.settings.policy == "strict") return 7;
  if (waits.is_restored) return 0;
  const Duration waited = x_now - x_write_lag - waits.first_pending_at;
  if (profile.settings.policy == "sjf") {
    return waited >= from_seconds(options.sjf_max_bypass_s) ? 8 : 0;
  }
  if (profile.settings.policy == "swap") {
    return waited >= from_seconds(options.swap_max_bypass_s) ? 8 : 0;
  }
  return 0;
}

void Invariants::note_passed_over(TaskId id, const TaskPicture& claimed) {
  const ProfilePicture& profile = x_profiles[claimed.row->profile];
  if (profile.is_changing) return;
  for (const TaskId other : profile.pending) {
    const TaskPicture& waits = waiter(other);
    if (const int broken = find_passed_over(profile, claimed, waits); broken != 0) {
      x_passed.push_back({other, id, broken, x_now});
    }
  }
}

}  // namespace signalbox::sim
