// What must hold when nothing is under way, and when all is over (I3, I4, I5, I9, I12, I13).
#include <algorithm>

#include "simulations/campaign/invariants.hpp"

namespace signalbox::sim {
namespace {

bool takes_more(const Llm& llm) {
  return llm.status == LlmStatus::active && llm.is_open && !llm.is_full &&
         llm.breaker == BreakerState::closed && llm.running < llm.capacity;
}

std::string name_of(const Task& row) {
  return "task " + row.id.to_string();
}

}  // namespace

std::size_t Invariants::in_line(const ProfilePicture& profile, Priority priority) const {
  return static_cast<std::size_t>(
      std::count_if(profile.pending.begin(), profile.pending.end(), [&](TaskId id) {
        const TaskPicture& task = waiter(id);
        return task.row->priority == priority && task.row->attended && !task.is_restored;
      }));
}

void Invariants::check_passed_over() {
  for (const Passed& passed : std::exchange(x_passed, {})) {
    const bool is_there = x_tasks.contains(passed.waits) || is_slot(passed.waits);
    if (!is_there) continue;
    const TaskPicture& waits = waiter(passed.waits);
    if (waits.row->state != TaskState::pending) continue;
    if (waits.is_adrift || waits.pending_at >= passed.at) continue;
    require(false, passed.invariant,
            name_of(*waits.row) + " waits, and " + passed.passes.to_string() +
                " of its pool has gone before it");
  }
}

void Invariants::check_budgets() {
  for (const auto& [name, profile] : x_profiles) {
    for (const TaskId id : profile.pending) {
      const TaskPicture& task = waiter(id);
      // Who comes back to the line has its budget anew while its caller waits.
      const auto number = x_call_of.find(id);
      const bool is_waited_for =
          task.row->attended && number != x_call_of.end() && !x_calls.at(number->second).hung_up_at;
      const bool has_budget =
          task.row->queue_wait_ms > 0 && !task.is_restored && (!task.is_returned || is_waited_for);
      require(!has_budget ||
                  x_now <= task.pending_at + std::chrono::milliseconds{task.row->queue_wait_ms},
              9, name_of(*task.row) + " waits beyond its budget");
    }
    // One that yields its slot runs no more, but holds it until its server has confirmed that.
    const bool may_yield = profile.settings.preempt == Preempt::background;
    const Duration grace = may_yield ? abort_patience : Duration::zero();
    for (const TaskId id : profile.held) {
      const TaskPicture& task = waiter(id);
      const Duration budget = std::chrono::milliseconds{task.row->inference_ms};
      require(x_now <= *task.granted_at + budget + grace, 9,
              name_of(*task.row) + " runs beyond its budget");
    }
  }
}

void Invariants::check_obeyed() {
  for (const TaskId id : std::exchange(x_ordered_ends, {})) {
    const auto task = x_tasks.find(id);
    if (task == x_tasks.end() || task->second.is_adrift) continue;
    const auto call = x_call_of.find(id);
    // A task that was found after a start has no caller who could leave it; and a cancel may have
    // gone down with the house.
    const bool is_cancelled = x_calls.at(call->second).cancelled_at == x_now;
    const bool has_orders = is_cancelled || !task->second.is_restored;
    require(!has_orders || is_terminal(task->second.row->state), 11,
            name_of(*task->second.row) + " goes on though it was cancelled, or its caller left");
  }
}

// Who comes is let in while there is room in line, or a slot that nobody else is about to take.
void Invariants::check_bounds() {
  if (x_adrift > 0 || x_write_lag > Duration::zero()) return;
  for (const auto& [name, profile] : x_profiles) {
    const std::size_t free =
        profile.slots_max > profile.held_min ? profile.slots_max - profile.held_min : 0;
    for (const Priority priority : all_priorities) {
      if (!profile.has_new[to_index(priority)]) continue;
      const auto waiting = static_cast<std::size_t>(
          std::count_if(profile.pending.begin(), profile.pending.end(), [&](TaskId id) {
            const TaskPicture& task = waiter(id);
            return task.row->priority == priority && task.row->attended && !task.is_restored &&
                   !task.is_returned;
          }));
      require(waiting <= profile.queued_max + free, 4,
              std::to_string(waiting) + " calls of class " + std::string{to_string(priority)} +
                  " wait in " + name + ", bound " + std::to_string(profile.queued_max));
    }
  }
}

std::size_t Invariants::passing_by(const std::string& profile, Priority priority) const {
  std::size_t passing = 0;
  for (auto call = x_calls.rbegin(); call != x_calls.rend() && call->second.at == x_now; ++call) {
    const CallPicture& each = call->second;
    const ClientSpec& client = x_scenario.clients[each.made.client];
    const bool is_there = client.profile == profile && client.priority == priority;
    if (is_there && !each.met_full_line && !x_tasks.contains(each.made.task)) ++passing;
  }
  return passing;
}

// The profile saw those who came and went at this moment in an order of its own, and knows of a
// task that comes back before its row does: now all of them can be counted.
void Invariants::check_refusals() {
  for (const Refusal& refusal : std::exchange(x_refusals, {})) {
    const auto profile = x_profiles.find(refusal.profile);
    if (profile == x_profiles.end() || profile->second.is_changing || x_adrift > 0) continue;
    // It knows of reservations, too, whose rows are on their way.
    if (x_write_lag > Duration::zero()) continue;
    const std::pair line{refusal.profile, refusal.priority};
    const auto left = std::count(x_left_line.begin(), x_left_line.end(), line);
    const std::size_t waiting = in_line(profile->second, refusal.priority) +
                                static_cast<std::size_t>(left) +
                                passing_by(refusal.profile, refusal.priority);
    require(waiting >= profile->second.queued_min, 4,
            refusal.name + " was refused with " + std::to_string(waiting) + " in line, bound " +
                std::to_string(profile->second.queued_min));
  }
}

// Of one moment's grants and ends only the sum can be judged: apps are told of theirs while rows of
// tasks are on their way.
void Invariants::check_slots_in_use() {
  for (auto& [name, profile] : x_profiles) {
    const bool is_due = std::exchange(profile.has_granted, false);
    if (!is_due || x_adrift > 0) continue;
    require(profile.held.size() <= profile.slots_max, 3,
            std::to_string(profile.held.size()) + " tasks and apps in " +
                std::to_string(profile.slots_max) + " slots of " + name);
  }
}

void Invariants::check_house(SimulatedHouse& house) {
  const std::vector<Llm> llms = house.list_llms();
  judge_servers(llms);
  for (const actors::ProfileStatus& status : house.list_profiles().profiles) {
    const ProfilePicture& profile = x_profiles[status.name];
    const Occupancy& occupancy = status.occupancy;
    std::size_t waiting = 0;
    for (const std::size_t count : occupancy.waiting) waiting += count;
    // A slot is kept until its server has confirmed that it stopped.
    auto& ended = x_ended_in_slot[status.name];
    while (!ended.empty() && ended.front() + abort_patience < x_now) ended.pop_front();
    const bool agrees = occupancy.in_flight >= profile.held.size() &&
                        occupancy.in_flight <= profile.held.size() + ended.size() &&
                        waiting == profile.pending.size();
    // What the disk did not take is known to one side only.
    require(agrees || x_adrift > 0, 3,
            status.name + " counts " + std::to_string(occupancy.in_flight) + " in slots and " +
                std::to_string(waiting) + " waiting; stored are " +
                std::to_string(profile.held.size()) + " and " +
                std::to_string(profile.pending.size()));
    if (x_adrift == 0) check_work_conserving(profile, occupancy, llms);
  }
}

// A policy that holds calls back leaves slots idle beside them, as long as it may, and beside
// whoever is behind them.
bool Invariants::is_holding(const ProfilePicture& profile) const {
  const PolicyOptions& options = profile.settings.policy_options;
  if (profile.settings.policy != "swap" || options.swap_hold_s <= 0) return false;
  return std::any_of(profile.pending.begin(), profile.pending.end(), [&](TaskId id) {
    // An app has no model to wait for.
    if (is_slot(id)) return false;
    const TaskPicture& turn = waiter(id);
    // At its very end the timer may be yet to come.
    return turn.is_restored || x_now - turn.first_pending_at <= from_seconds(options.swap_hold_s);
  });
}

void Invariants::check_work_conserving(const ProfilePicture& profile, const Occupancy& occupancy,
                                       const std::vector<Llm>& llms) {
  if (occupancy.in_flight >= occupancy.slots || is_holding(profile)) return;
  for (const TaskId id : profile.pending) {
    const Task& row = *waiter(id).row;
    const bool may_be_kept_free = profile.settings.policy_options.reserve_interactive > 0 &&
                                  row.priority != Priority::interactive;
    if (may_be_kept_free) continue;
    // One that needs no backend.
    bool has_room = is_slot(id);
    bool has_broken = false;
    const std::string session = session_of(id, row);
    const std::string home = home_of(row, session);
    for (const Llm& llm : llms) {
      if (llm.pool_key() != row.pool || is_slot(id)) continue;
      // A session waits for its own.
      if (!session.empty() && llm.name != home) continue;
      has_room = has_room || takes_more(llm);
      has_broken = has_broken || llm.breaker != BreakerState::closed;
    }
    // A breaker sends calls past its server; who stands in line there is its own matter.
    require(!has_room || has_broken, 5,
            name_of(row) + " waits beside a free slot and a server with room");
  }
}

void Invariants::check_leftovers(SimulatedHouse& house) {
  const auto profiles = house.list_profiles().profiles;
  for (const actors::ProfileStatus& status : profiles) {
    require(status.occupancy.in_flight == 0, 12, status.name + " has slots in use for nobody");
  }
  for (const Llm& llm : house.list_llms()) {
    require(llm.running == 0, 12, llm.name + " has leases out for nobody");
  }
  const std::size_t actors = house.running_actors();
  const std::size_t expected = x_actors_of_house + profiles.size();
  require(
      actors == expected, 12,
      std::to_string(actors) + " actors are left, " + std::to_string(expected) + " have a reason");
  for (const auto& [id, task] : x_tasks) {
    require(is_terminal(task.row->state), 14,
            name_of(*task.row) + " is " + std::string{to_string(task.row->state)} + " for ever");
  }
}

// Its figures are of one life, and of what the disk took.
void Invariants::check_figures(SimulatedHouse& house, const RunFigures& figures) {
  if (house.starts() > 1 || x_failed_commits > 0) return;
  for (const Priority priority : all_priorities) {
    if (x_write_lag > Duration::zero()) break;
    const ClassFigures& of_class = figures.classes[to_index(priority)];
    require(of_class.wait_sum == of_class.queue_integral, 13,
            "sum of waits and integral of the queue differ in class " +
                std::string{to_string(priority)});
  }
  const auto told = house.list_figures();
  if (!told) return;
  std::array<std::uint64_t, call_status_count> seen{};
  for (const auto& [id, task] : x_tasks) {
    ++seen[static_cast<std::size_t>(call_status_for(task.row->error_code))];
  }
  for (std::size_t index = 0; index < seen.size(); ++index) seen[index] += x_slot_ends[index];
  // Rows that were collected, and calls that never had one, are in one of the two only.
  // A call whose queue budget ends before its row is on a slow disk may never have one: its key may
  // turn out to be another's.
  const bool has_rows_less =
      x_probes[static_cast<std::size_t>(Probe::collected)] > 0 || x_write_lag > Duration::zero();
  for (const CallStatus status :
       {CallStatus::ok, CallStatus::queue_wait_timeout, CallStatus::inference_timeout}) {
    const auto index = static_cast<std::size_t>(status);
    const std::uint64_t counted = told->calls->outcomes()[index];
    require(has_rows_less ? counted >= seen[index] : counted == seen[index], 13,
            "metrics count " + std::to_string(counted) + " calls as " +
                std::string{to_string(status)} + ", stored are " + std::to_string(seen[index]));
  }
}

}  // namespace signalbox::sim
