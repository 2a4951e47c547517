// The leases of a profile: what to ask the directory for, and who gets what comes.
#include <algorithm>

#include "core/admission/profile_scheduler.hpp"

namespace signalbox {

std::optional<Priority> ProfileScheduler::best_waiting(TargetIndex target,
                                                       const Rooms& rooms) const {
  for (const Priority priority : all_priorities) {
    if (rooms[to_index(priority)] > 0 && waiting(priority, target) > 0) return priority;
  }
  return std::nullopt;
}

// Those without a session count as one, which is always named: they can go to any backend.
std::vector<SessionWait> ProfileScheduler::sessions_waiting(TargetIndex target,
                                                            const Rooms& rooms) const {
  std::vector<SessionWait> sessions;
  if (!x_targets[target].heeds_sessions) return sessions;
  const auto heads = x_session_queue.heads(target, x_targets[target].sessions_asked);
  if (heads.empty()) return sessions;
  std::optional<SessionQueue::Head> plain;
  for (const Priority priority : all_priorities) {
    if (rooms[to_index(priority)] == 0) continue;
    const auto item = x_queue.front(priority, target);
    if (item && !plain) plain = {{priority, item->sequence}, {}, item->id};
  }
  const auto name = [&](const SessionQueue::Head& head) {
    sessions.push_back({head.session, x_waiters.at(head.first).since});
  };
  for (const SessionQueue::Head& head : heads) {
    if (rooms[to_index(head.place.first)] == 0) continue;
    if (plain && plain->place < head.place) {
      name(*plain);
      plain.reset();
    }
    name(head);
  }
  if (plain) name(*plain);
  return sessions;
}

std::vector<AskForLease> ProfileScheduler::asks(Instant now) {
  std::vector<AskForLease> asks;
  x_held_until.reset();
  const Rooms rooms = this->rooms();
  if (rooms == Rooms{}) return asks;
  std::vector<TargetIndex> open;
  for (TargetIndex index = 0; index < x_targets.size(); ++index) {
    Target& target = x_targets[index];
    drop_useless_leases(index, rooms);
    if (!target.leases.empty() || !best_waiting(index, rooms)) continue;
    if (target.state != TargetState::idle && target.state != TargetState::parked) continue;
    if (target.name.empty()) {
      target.leases.emplace_back();
    } else {
      open.push_back(index);
    }
  }
  if (x_shares_groups) open = first_of_groups(open, rooms, now);
  for (const TargetIndex index : open) {
    Target& target = x_targets[index];
    const Priority best = best_waiting(index, rooms).value();
    auto sessions = sessions_waiting(index, rooms);
    const bool is_better = best < target.asked;
    const bool is_outdated = is_better || sessions != target.asked_sessions;
    const bool is_parked = target.state == TargetState::parked;
    if (is_parked && !is_outdated) continue;
    target.is_crossed = target.is_crossed || (is_parked && is_better);
    target.state = TargetState::asked;
    target.asked = best;
    target.asked_sessions = sessions;
    asks.push_back({target.name, best, std::move(sessions)});
  }
  return asks;
}

// Whoever stands in the directory's line is demand: a backend that sleeps is woken for it.
std::vector<std::string> ProfileScheduler::withdrawals() {
  std::vector<std::string> names;
  for (TargetIndex index = 0; index < x_targets.size(); ++index) {
    Target& target = x_targets[index];
    // While a question is open the directory's next word is not known yet.
    const bool is_idle_in_line = target.is_in_line && target.state != TargetState::asked;
    if (!is_idle_in_line || has_waiter(index)) continue;
    target.state = TargetState::idle;
    target.is_in_line = false;
    target.is_crossed = true;
    names.push_back(target.name);
  }
  return names;
}

// The directory gives a group's room to whoever asks first, so nobody asks for room that a better
// waiter is asking for, or stands in the directory's line for: it is asked for when that one has
// had its lease. Who is in that line already stays there.
std::vector<TargetIndex> ProfileScheduler::first_of_groups(const std::vector<TargetIndex>& open,
                                                           const Rooms& rooms, Instant now) {
  std::set<std::string_view> groups;
  std::set<std::string_view> taken;
  for (const Target& target : x_targets) {
    for (const auto& [group, capacity] : target.capacities) {
      groups.insert(group);
      if (target.state == TargetState::asked) taken.insert(group);
    }
  }
  std::vector<TargetIndex> first;
  auto heads = candidates(rooms, true).heads;
  while (!heads.empty() && taken.size() < groups.size()) {
    const QueueHead picked = heads[x_policy->pick(heads, now)];
    const TargetIndex best = picked.target;
    std::erase_if(heads, [&](const QueueHead& head) { return head.target == best; });
    const CapacityList& capacities = x_targets[best].capacities;
    const auto is_taken = [&](const auto& entry) { return taken.contains(entry.first); };
    if (std::all_of(capacities.begin(), capacities.end(), is_taken)) continue;
    for (const auto& [group, capacity] : capacities) taken.insert(group);
    if (const auto until = x_policy->held_until(picked, now)) {
      x_held_until = x_held_until ? std::min(*x_held_until, *until) : until;
      continue;
    }
    const Target& target = x_targets[best];
    if (target.leases.empty() && target.state != TargetState::parked) first.push_back(best);
  }
  for (const TargetIndex index : open) {
    const Target& target = x_targets[index];
    if (target.state == TargetState::parked || target.capacities.empty()) first.push_back(index);
  }
  return first;
}

void ProfileScheduler::drop_useless_leases(TargetIndex index, const Rooms& rooms) {
  Target& target = x_targets[index];
  if (target.leases.empty()) return;
  const auto best = best_waiting(index, rooms);
  const bool is_outdated = best && *best < target.asked;
  std::erase_if(target.leases, [&](Lease& lease) {
    if (!lease.session) return false;
    const bool is_wanted =
        !is_outdated &&
        std::any_of(all_priorities.begin(), all_priorities.end(),
                    [&](Priority priority) { return front(priority, index, &lease).has_value(); });
    if (!is_wanted) x_useless.push_back(std::move(lease));
    return !is_wanted;
  });
}

void ProfileScheduler::lease_granted(const std::string& target, Lease lease) {
  Target& mine = x_targets[target_index(target)];
  mine.state = TargetState::idle;
  mine.is_in_line = false;
  mine.heeds_sessions = lease.session.has_value();
  const bool is_crossed = std::exchange(mine.is_crossed, false);
  if (is_crossed && lease.session) {
    // Its session was first in a line that nobody of the better class stood in. Should it be the
    // new answer all the same, the next question comes to that again.
    x_useless.push_back(std::move(lease));
    return;
  }
  mine.leases.push_back(std::move(lease));
}

void ProfileScheduler::lease_parked(const std::string& target, bool waits_for_room) {
  const TargetIndex index = target_index(target);
  Target& mine = x_targets[index];
  mine.state = TargetState::parked;
  mine.is_in_line = true;
  mine.is_crossed = false;
  mine.waits_for_room = waits_for_room;
  // The slot alone did not help.
  forgive(mine);
  // Those that were not named may be luckier.
  if (x_session_queue.session_count(index) > mine.sessions_asked) {
    mine.sessions_asked = std::min(2 * mine.sessions_asked, sessions_asked_max);
  }
}

void ProfileScheduler::still_parked(const std::string& target, bool waits_for_room) {
  x_targets[target_index(target)].waits_for_room = waits_for_room;
}

std::vector<TaskId> ProfileScheduler::lease_refused(const std::string& target, Instant retry_at,
                                                    Instant now) {
  const TargetIndex index = target_index(target);
  x_targets[index].state = TargetState::refused;
  forgive(x_targets[index]);
  x_targets[index].retry_at = retry_at;
  std::vector<TaskId> callers;
  for (const Priority priority : all_priorities) {
    const auto of_class = static_cast<std::ptrdiff_t>(callers.size());
    for (const WaitQueue* queue : {&std::as_const(x_queue), &x_session_queue.all()}) {
      for (const TaskId id : queue->ids(priority, index)) {
        if (x_waiters.at(id).counted) callers.push_back(id);
      }
    }
    std::sort(callers.begin() + of_class, callers.end(), [&](TaskId left, TaskId right) {
      return x_waiters.at(left).view.sequence < x_waiters.at(right).view.sequence;
    });
  }
  for (const TaskId id : callers) remove(id, now);
  return callers;
}

// Without a lease, or with one for any call: the first of them all.
std::optional<WaitQueue::Item> ProfileScheduler::front(Priority priority, TargetIndex target,
                                                       const Lease* lease) const {
  if (lease != nullptr && lease->session) {
    return lease->session->empty() ? x_queue.front(priority, target)
                                   : x_session_queue.front(priority, target, *lease->session);
  }
  const auto plain = x_queue.front(priority, target);
  const auto other = x_session_queue.all().front(priority, target);
  if (!plain || !other) return plain ? plain : other;
  return plain->sequence < other->sequence ? plain : other;
}

void ProfileScheduler::add_head(TaskId id, std::uint64_t sequence, const Lane& lane,
                                std::optional<std::size_t> lease, Candidates& found) const {
  if (found.heads.empty()) {
    found.heads.reserve(2 * priority_count);
    found.waiters.reserve(2 * priority_count);
  }
  const Target& target = x_targets[lane.target];
  QueueHead head{lane.priority, lane.target, sequence};
  if (x_traits.reads_waiters) head.waiter = &x_waiters.at(id).view;
  if (x_traits.heeds_loaded)
    head.is_loaded = is_loaded(target, lease ? &target.leases[*lease] : nullptr);
  const bool is_to_be_asked = !lease && target.state != TargetState::parked;
  if (x_traits.holds_back && is_to_be_asked) head.batch = swap_batch(lane.target);
  found.heads.push_back(head);
  found.waiters.emplace_back(id, lease);
}

// The longest waiting, and whom the policy would take first.
void ProfileScheduler::add_lane(const Lane& lane, std::optional<std::size_t> lease,
                                Candidates& found) const {
  const WaitQueue& queue = lane.has_session ? x_session_queue.all() : x_queue;
  const auto longest = queue.front(lane.priority, lane.target);
  if (!longest) return;
  add_head(longest->id, longest->sequence, lane, lease, found);
  if (!x_traits.keeps_order) return;
  const WaiterView* first = x_policy->first(lane);
  if (first->sequence != longest->sequence) {
    add_head(first->id, first->sequence, lane, lease, found);
  }
}

void ProfileScheduler::add_heads(TargetIndex index, std::optional<std::size_t> lease,
                                 const Rooms& rooms, Candidates& found) const {
  const Lease* in_hand = lease ? &x_targets[index].leases[*lease] : nullptr;
  const bool is_bound = in_hand != nullptr && in_hand->session;
  for (const Priority priority : all_priorities) {
    if (rooms[to_index(priority)] == 0) continue;
    if (is_bound && !in_hand->session->empty()) {
      // The calls of one session keep their order under every policy.
      const auto item = front(priority, index, in_hand);
      if (item) add_head(item->id, item->sequence, {priority, index, true}, lease, found);
      continue;
    }
    add_lane({priority, index, false}, lease, found);
    const bool has_sessions = x_session_queue.all().size(priority) > 0;
    if (!is_bound && has_sessions) add_lane({priority, index, true}, lease, found);
  }
}

ProfileScheduler::Candidates ProfileScheduler::candidates(const Rooms& rooms,
                                                          bool with_parked) const {
  Candidates found;
  for (TargetIndex index = 0; index < x_targets.size(); ++index) {
    const Target& target = x_targets[index];
    if (target.state == TargetState::refused) continue;
    const bool is_counted = with_parked && target.waits_for_room;
    if (target.state == TargetState::parked && !is_counted) continue;
    if (target.leases.empty()) {
      // Behind others it is not asked for: who has a lease does not wait for it either.
      if (!with_parked && lacks_room(target)) continue;
      add_heads(index, std::nullopt, rooms, found);
      continue;
    }
    for (std::size_t lease = target.leases.size(); lease-- > 0;) {
      // Two leases for the same calls are one choice.
      const bool is_repeat = std::any_of(
          target.leases.begin() + static_cast<std::ptrdiff_t>(lease) + 1, target.leases.end(),
          [&](const Lease& later) { return later.session == target.leases[lease].session; });
      if (!is_repeat) add_heads(index, lease, rooms, found);
    }
  }
  return found;
}

Grant ProfileScheduler::grant(TaskId id, std::optional<std::size_t> lease, Instant now) {
  Waiter& waiter = x_waiters.at(id);
  leave_queue(id, waiter);
  count(waiter, false);
  waiter.stage = Stage::granted;
  waiter.granted_by = x_policy_number;
  const Duration waited = now - waiter.since;
  waiter.since = now;
  const auto inference = std::chrono::milliseconds{waiter.inference_ms};
  set_deadline(id, waiter, waiter.inference_ms == 0 ? never : now + inference);
  auto& leases = x_targets[waiter.view.target].leases;
  const auto taken = leases.begin() + static_cast<std::ptrdiff_t>(lease.value());
  Grant grant{id, std::move(*taken), waited};
  leases.erase(taken);
  if (x_traits.heeds_loaded) note_loaded(grant.lease, waiter.view.target);
  ++x_in_flight[to_index(waiter.view.priority)];
  if (x_tuner) x_tuner->began(id, now);
  ++x_admitted_total;
  note_granted(id, waiter, grant.lease);
  return grant;
}

std::vector<Grant> ProfileScheduler::settle(Instant now, std::vector<Lease>& unused) {
  std::move(x_useless.begin(), x_useless.end(), std::back_inserter(unused));
  x_useless.clear();
  std::vector<Grant> grants;
  const bool is_open = std::any_of(x_targets.begin(), x_targets.end(), [](const Target& target) {
    return target.state == TargetState::asked;
  });
  if (is_open) return grants;
  while (true) {
    const Rooms rooms = this->rooms();
    if (rooms == Rooms{}) break;
    const auto [heads, waiters] = candidates(rooms);
    if (heads.empty()) break;
    const std::size_t chosen = x_policy->pick(heads, now);
    const auto& [id, lease] = waiters[chosen];
    if (!lease && x_policy->held_until(heads[chosen], now)) break;
    // The lease of its target has gone to another and the next one is yet to be asked for: nobody
    // goes past it, and the leases in hand are kept for the next round.
    if (!lease) return grants;
    x_policy->granted(heads, chosen);
    grants.push_back(grant(id, lease, now));
  }
  for (Target& target : x_targets) {
    if (!target.name.empty())
      std::move(target.leases.begin(), target.leases.end(), std::back_inserter(unused));
    target.leases.clear();
  }
  return grants;
}

}  // namespace signalbox
