// Who gives a slot to an interactive call (`preempt: background`), and whose the slot is then.
//
//   in a slot ──preempt()──▶ yielding ──requeue, remove──▶ slot owed ──granted──▶ interactive call
//       ▲                        │                             │
//       └───────keep_slot────────┘                             └─ nobody can use it: anyone's
//
// The victim is the task that was granted last: it loses the least. It must be of use: on a backend
// that the waiter may go to or, where slots are what is missing, anywhere while the waiter's own
// backends seem to have room. Calls of other profiles on them are not seen from here; a slot that
// turns out not to help is nobody's debt any more.
#include <algorithm>
#include <utility>

#include "core/admission/profile_scheduler.hpp"

namespace signalbox {

void ProfileScheduler::note_granted(TaskId id, Waiter& waiter, const Lease& lease) {
  Target& target = x_targets[waiter.view.target];
  ++target.in_flight;
  waiter.grant_number = x_admitted_total;
  if (waiter.view.priority == Priority::interactive && target.owed > 0) {
    --target.owed;
    --x_owed;
  }
  // What has no target is a slot of an app's own: nobody can stop its call.
  const bool is_task = !target.name.empty();
  const bool is_victim = x_settings.preempt == Preempt::background && is_task &&
                         waiter.view.priority == Priority::background;
  if (!is_victim) return;
  x_preemptible.emplace(waiter.grant_number, Preemptible{id, waiter.view.target, lease.group});
}

void ProfileScheduler::end_yielding(Waiter& waiter, bool is_slot_free) {
  waiter.is_yielding = false;
  Target& target = x_targets[waiter.yields_to];
  --target.yielding;
  if (!is_slot_free) return;
  ++target.owed;
  ++x_owed;
  // Others stand in the directory's line, too: who asks again is told who got the room.
  if (target.state == TargetState::parked) target.state = TargetState::idle;
  trim_debt(waiter.yields_to);
}

void ProfileScheduler::trim_debt(TargetIndex index) {
  Target& target = x_targets[index];
  if (target.owed == 0) return;
  const std::size_t most = waiting(Priority::interactive, index);
  if (target.owed <= most) return;
  x_owed -= target.owed - static_cast<std::uint32_t>(most);
  target.owed = static_cast<std::uint32_t>(most);
}

void ProfileScheduler::forgive(Target& target) {
  x_owed -= target.owed;
  target.owed = 0;
}

std::vector<TargetIndex> ProfileScheduler::interactive_targets() const {
  std::vector<std::pair<std::uint64_t, TargetIndex>> found;
  for (TargetIndex index = 0; index < x_targets.size(); ++index) {
    const auto first = front(Priority::interactive, index, nullptr);
    if (first) found.emplace_back(first->sequence, index);
  }
  std::sort(found.begin(), found.end());
  std::vector<TargetIndex> targets;
  for (const auto& [sequence, index] : found) targets.push_back(index);
  return targets;
}

bool ProfileScheduler::is_preemptible(TaskId id) const {
  const Waiter& waiter = x_waiters.at(id);
  return waiter.knows_preemptions && waiter.preemptions < x_settings.preempt_budget;
}

// As far as this profile's own calls tell: those of targets that can run nowhere else.
bool ProfileScheduler::has_visible_room(TargetIndex index) const {
  const Target& mine = x_targets[index];
  const auto is_mine = [&](const auto& entry) {
    return std::any_of(mine.capacities.begin(), mine.capacities.end(),
                       [&](const auto& own) { return own.first == entry.first; });
  };
  std::uint64_t room = 0;
  for (const auto& [group, capacity] : mine.capacities) room += capacity;
  std::uint64_t taken = std::uint64_t{mine.yielding} + mine.owed;
  for (const Target& each : x_targets) {
    const bool is_within = !each.capacities.empty() &&
                           std::all_of(each.capacities.begin(), each.capacities.end(), is_mine);
    if (is_within) taken += each.in_flight;
  }
  return taken < room;
}

std::optional<std::uint64_t> ProfileScheduler::victim_for(TargetIndex index, bool has_slot) const {
  const Target& mine = x_targets[index];
  const bool needs_backend = !mine.name.empty();
  const auto helps = [&](const Preemptible& running) {
    return !needs_backend || running.target == index ||
           std::any_of(mine.capacities.begin(), mine.capacities.end(),
                       [&](const auto& entry) { return entry.first == running.group; });
  };
  // The directory has said that there is no room: a slot elsewhere is no help.
  const bool may_be_elsewhere =
      !has_slot && mine.state != TargetState::parked && has_visible_room(index);
  std::optional<std::uint64_t> elsewhere;
  for (auto each = x_preemptible.rbegin(); each != x_preemptible.rend(); ++each) {
    const auto& [number, running] = *each;
    if (!is_preemptible(running.id)) continue;
    if (helps(running)) return number;
    if (may_be_elsewhere && !elsewhere) elsewhere = number;
  }
  return elsewhere;
}

std::vector<TaskId> ProfileScheduler::preempt() {
  std::vector<TaskId> victims;
  if (x_preemptible.empty() && x_owed == 0) return victims;
  for (const Target& target : x_targets) {
    // What it will be granted is not known yet.
    if (target.state == TargetState::asked) return victims;
  }
  const bool has_slot = rooms()[to_index(Priority::interactive)] > 0;
  if (!has_slot) {
    // Whatever was given up has been taken.
    for (Target& target : x_targets) forgive(target);
  }
  std::uint32_t in_flight = 0;
  for (const std::uint32_t of_class : x_in_flight) in_flight += of_class;
  // With more calls than slots, one less makes no room yet.
  if (in_flight > slots()) return victims;
  // Those that are on their way for a waiter who has gone are waited for first.
  std::size_t coming = 0;
  for (const Target& target : x_targets) coming += std::size_t{target.yielding} + target.owed;
  const std::size_t most = waiting(Priority::interactive);
  for (const TargetIndex index : interactive_targets()) {
    Target& target = x_targets[index];
    const bool is_lacking = !has_slot || target.state == TargetState::parked || lacks_room(target);
    if (!is_lacking || target.state == TargetState::refused) continue;
    while (waiting(Priority::interactive, index) > std::size_t{target.yielding} + target.owed &&
           coming < most) {
      const auto number = victim_for(index, has_slot);
      if (!number) break;
      const TaskId id = x_preemptible.at(*number).id;
      x_preemptible.erase(*number);
      Waiter& waiter = x_waiters.at(id);
      waiter.is_yielding = true;
      waiter.yields_to = index;
      ++target.yielding;
      ++coming;
      clear_deadline(id, waiter);
      victims.push_back(id);
    }
  }
  return victims;
}

bool ProfileScheduler::is_yielding(TaskId id) const {
  const auto place = x_waiters.find(id);
  return place != x_waiters.end() && place->second.is_yielding;
}

void ProfileScheduler::keep_slot(TaskId id) {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end() || !place->second.is_yielding) return;
  Waiter& waiter = place->second;
  end_yielding(waiter, false);
  if (waiter.inference_ms == 0) return;
  set_deadline(id, waiter, waiter.since + std::chrono::milliseconds{waiter.inference_ms});
}

void ProfileScheduler::set_preemptions(TaskId id, std::uint32_t preemptions) {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end() || place->second.knows_preemptions) return;
  place->second.preemptions = preemptions;
  place->second.knows_preemptions = true;
}

}  // namespace signalbox
