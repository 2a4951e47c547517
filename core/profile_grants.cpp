// The leases of a profile: what to ask the directory for, and who gets what comes.
#include <algorithm>

#include "core/profile_scheduler.hpp"

namespace signalbox {

std::optional<Priority> ProfileScheduler::best_waiting(TargetIndex target) const {
  for (const Priority priority : all_priorities) {
    if (waiting(priority, target) > 0) return priority;
  }
  return std::nullopt;
}

// Those without a session count as one, which is always named: they can go to any backend.
std::vector<SessionWait> ProfileScheduler::sessions_waiting(TargetIndex target) const {
  std::vector<SessionWait> sessions;
  if (!x_targets[target].heeds_sessions) return sessions;
  const auto heads = x_session_queue.heads(target, x_targets[target].sessions_asked);
  if (heads.empty()) return sessions;
  std::optional<SessionQueue::Head> plain;
  for (const Priority priority : all_priorities) {
    const auto item = x_queue.front(priority, target);
    if (item && !plain) plain = {{priority, item->sequence}, {}, item->id};
  }
  const auto name = [&](const SessionQueue::Head& head) {
    sessions.push_back({head.session, x_waiters.at(head.first).since});
  };
  for (const SessionQueue::Head& head : heads) {
    if (plain && plain->place < head.place) {
      name(*plain);
      plain.reset();
    }
    name(head);
  }
  if (plain) name(*plain);
  return sessions;
}

std::vector<AskForLease> ProfileScheduler::asks() {
  std::vector<AskForLease> asks;
  if (free_slots() == 0) return asks;
  for (TargetIndex index = 0; index < x_targets.size(); ++index) {
    Target& target = x_targets[index];
    drop_useless_leases(index);
    if (!target.leases.empty()) continue;
    const auto best = best_waiting(index);
    if (!best) continue;
    if (target.state != TargetState::idle && target.state != TargetState::parked) continue;
    if (target.name.empty()) {
      target.leases.emplace_back();
      continue;
    }
    auto sessions = sessions_waiting(index);
    const bool is_outdated = *best < target.asked || sessions != target.asked_sessions;
    if (target.state == TargetState::parked && !is_outdated) continue;
    target.state = TargetState::asked;
    target.asked = *best;
    target.asked_sessions = sessions;
    asks.push_back({target.name, *best, std::move(sessions)});
  }
  return asks;
}

void ProfileScheduler::drop_useless_leases(TargetIndex index) {
  Target& target = x_targets[index];
  if (target.leases.empty()) return;
  const auto best = best_waiting(index);
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
  mine.heeds_sessions = lease.session.has_value();
  mine.leases.push_back(std::move(lease));
}

void ProfileScheduler::lease_parked(const std::string& target) {
  const TargetIndex index = target_index(target);
  Target& mine = x_targets[index];
  mine.state = TargetState::parked;
  // Those that were not named may be luckier.
  if (x_session_queue.session_count(index) > mine.sessions_asked) {
    mine.sessions_asked = std::min(2 * mine.sessions_asked, sessions_asked_max);
  }
}

std::vector<TaskId> ProfileScheduler::lease_refused(const std::string& target, Instant retry_at,
                                                    Instant now) {
  const TargetIndex index = target_index(target);
  x_targets[index].state = TargetState::refused;
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
      return x_waiters.at(left).sequence < x_waiters.at(right).sequence;
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

void ProfileScheduler::add_heads(TargetIndex index, std::optional<std::size_t> lease,
                                 Candidates& found) const {
  const Lease* in_hand = lease ? &x_targets[index].leases[*lease] : nullptr;
  for (const Priority priority : all_priorities) {
    if (const auto item = front(priority, index, in_hand)) {
      found.heads.push_back({priority, index, item->sequence});
      found.waiters.emplace_back(item->id, lease);
    }
  }
}

ProfileScheduler::Candidates ProfileScheduler::candidates() const {
  Candidates found;
  for (TargetIndex index = 0; index < x_targets.size(); ++index) {
    const Target& target = x_targets[index];
    if (target.state == TargetState::parked || target.state == TargetState::refused) continue;
    if (target.leases.empty()) {
      add_heads(index, std::nullopt, found);
      continue;
    }
    for (std::size_t lease = target.leases.size(); lease-- > 0;) {
      // Two leases for the same calls are one choice.
      const bool is_repeat = std::any_of(
          target.leases.begin() + static_cast<std::ptrdiff_t>(lease) + 1, target.leases.end(),
          [&](const Lease& later) { return later.session == target.leases[lease].session; });
      if (!is_repeat) add_heads(index, lease, found);
    }
  }
  return found;
}

Grant ProfileScheduler::grant(TaskId id, std::optional<std::size_t> lease, Instant now) {
  Waiter& waiter = x_waiters.at(id);
  leave_queue(id, waiter);
  count(waiter, false);
  waiter.stage = Stage::granted;
  const Duration waited = now - waiter.since;
  waiter.since = now;
  const auto inference = std::chrono::milliseconds{waiter.inference_ms};
  set_deadline(id, waiter, waiter.inference_ms == 0 ? never : now + inference);
  auto& leases = x_targets[waiter.target].leases;
  const auto taken = leases.begin() + static_cast<std::ptrdiff_t>(lease.value());
  Grant grant{id, std::move(*taken), waited};
  leases.erase(taken);
  ++x_in_flight;
  ++x_admitted_total;
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
  while (free_slots() > 0) {
    const auto [heads, waiters] = candidates();
    if (heads.empty()) break;
    const auto& [id, lease] = waiters[x_policy->pick(heads)];
    // The lease of its target has gone to another and the next one is yet to be asked for: nobody
    // goes past it, and the leases in hand are kept for the next round.
    if (!lease) return grants;
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
