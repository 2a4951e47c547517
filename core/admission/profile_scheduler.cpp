#include "core/admission/profile_scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace signalbox {
namespace {

/// Before the first call has ended, one is taken to run this long.
constexpr double assumed_service_s = 1.0;

std::uint32_t saturated_ms(Duration duration) {
  const std::int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 0, most));
}

}  // namespace

ProfileScheduler::ProfileScheduler(std::string name, ProfileSettings settings)
    : x_name{std::move(name)},
      x_settings{std::move(settings)},
      x_policy{make_policy(x_settings.policy, x_settings.policy_options)},
      x_traits{x_policy->traits()} {
  begin_tuning();
}

void ProfileScheduler::begin_tuning() {
  x_tuner.reset();
  const auto first = x_settings.first_slots();
  const bool is_paused = first == 0U;
  if (!x_settings.tune_slots || is_paused) return;
  std::uint32_t in_flight = 0;
  for (const std::uint32_t of_class : x_in_flight) in_flight += of_class;
  x_tuner.emplace(*x_settings.tune_slots, *first, in_flight);
}

TargetIndex ProfileScheduler::target_index(const std::string& name) {
  const auto [place, is_new] =
      x_target_indexes.try_emplace(name, static_cast<TargetIndex>(x_targets.size()));
  if (is_new) x_targets.emplace_back().name = name;
  return place->second;
}

std::uint32_t ProfileScheduler::slots() const {
  if (x_tuner) return x_tuner->slots();
  if (x_settings.max_concurrent) return *x_settings.max_concurrent;
  // One executor may stand behind several targets: each capacity group counts once.
  std::map<std::string_view, std::uint32_t> groups;
  for (const Target& target : x_targets) {
    for (const auto& [group, capacity] : target.capacities) groups[group] = capacity;
  }
  std::uint32_t total = 0;
  for (const auto& [group, capacity] : groups) total += capacity;
  return std::clamp<std::uint32_t>(total, 1, max_concurrent_max);
}

std::size_t ProfileScheduler::free_slots() const {
  return SlotUse{slots(), x_in_flight}.free();
}

// Callers that the free slots will take at once do not count as waiting; they are still here
// because their row is on its way to the disk.
bool ProfileScheduler::is_full(Priority priority, const Target& target) const {
  const std::size_t mine = x_counted[to_index(priority)];
  if (mine < x_settings.max_queued) return false;
  std::size_t before_me = 0;
  for (std::size_t index = 0; index < to_index(priority); ++index) before_me += x_counted[index];
  const bool is_stuck = target.state == TargetState::parked ||
                        target.state == TargetState::refused || lacks_room(target);
  const std::size_t usable = is_stuck ? 0 : rooms()[to_index(priority)];
  const std::size_t starting = usable > before_me ? usable - before_me : 0;
  return mine >= x_settings.max_queued + starting;
}

bool ProfileScheduler::lacks_room(const Target& target) const {
  if (!x_shares_groups || target.capacities.empty()) return false;
  const auto is_waited_for = [this](const auto& entry) {
    return std::any_of(x_targets.begin(), x_targets.end(), [&](const Target& each) {
      return each.state == TargetState::parked && each.waits_for_room &&
             std::any_of(each.capacities.begin(), each.capacities.end(),
                         [&](const auto& other) { return other.first == entry.first; });
    });
  };
  return std::all_of(target.capacities.begin(), target.capacities.end(), is_waited_for);
}

void ProfileScheduler::count(const Waiter& waiter, bool enters) {
  if (!waiter.counted) return;
  auto& counted = x_counted[to_index(waiter.view.priority)];
  counted = enters ? counted + 1 : counted - 1;
}

void ProfileScheduler::set_deadline(TaskId id, Waiter& waiter, Instant deadline) {
  clear_deadline(id, waiter);
  waiter.deadline = deadline;
  if (deadline != never) x_deadlines.emplace(deadline, id);
}

void ProfileScheduler::clear_deadline(TaskId id, Waiter& waiter) {
  if (waiter.deadline != never) x_deadlines.erase({waiter.deadline, id});
  waiter.deadline = never;
}

ProfileScheduler::Waiter& ProfileScheduler::add(const WaiterRequest& request, Instant now) {
  Waiter waiter;
  waiter.view.id = request.id;
  waiter.view.sequence = x_next_sequence++;
  waiter.view.enqueued_at = now;
  waiter.view.declared = request.size;
  waiter.since = now;
  waiter.deadline = never;
  waiter.inference_ms = saturated_ms(request.inference);
  waiter.view.target = target_index(request.target);
  waiter.view.priority = request.priority;
  std::vector<OwnerIndex> forgotten;
  waiter.view.owner = x_owners.acquire(request.owner, forgotten);
  forget_owners(forgotten);
  waiter.counted = request.counted;
  const auto [place, is_new] = x_waiters.try_emplace(request.id, waiter);
  SIGNALBOX_ASSERT(is_new);
  if (request.queue_wait > Duration::zero()) {
    set_deadline(request.id, place->second, now + request.queue_wait);
  }
  count(waiter, true);
  return place->second;
}

std::optional<Error> ProfileScheduler::reserve(const WaiterRequest& request, Instant now,
                                               const std::string& session) {
  if (request.counted && is_full(request.priority, x_targets[target_index(request.target)])) {
    ++x_rejected_total;
    return make_error(ErrorCode::queue_full, "profile " + x_name + " already has " +
                                                 std::to_string(x_settings.max_queued) + " " +
                                                 std::string{to_string(request.priority)} +
                                                 " callers waiting")
        .with("profile", x_name)
        .with("priority", std::string{to_string(request.priority)})
        .with("max_queued", std::int64_t{x_settings.max_queued})
        .retry_after(estimated_wait_s(request.priority));
  }
  Waiter& waiter = add(request, now);
  if (!session.empty()) {
    waiter.has_session = true;
    x_sessions.emplace(request.id, session);
  }
  return std::nullopt;
}

void ProfileScheduler::enqueue(TaskId id) {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end() || place->second.stage != Stage::reserved) return;
  push(id, place->second);
}

void ProfileScheduler::push(TaskId id, Waiter& waiter) {
  waiter.stage = Stage::waiting;
  const WaitQueue::Item item{waiter.view.sequence, id};
  if (waiter.has_session) {
    x_session_queue.push(waiter.view.priority, waiter.view.target, item, x_sessions.at(id));
  } else {
    x_queue.push(waiter.view.priority, waiter.view.target, item);
  }
  predict(waiter.view);
  weigh(waiter.view);
  if (x_traits.keeps_order) x_policy->enter(lane_of(waiter), waiter.view);
  Target& target = x_targets[waiter.view.target];
  if (target.state == TargetState::refused) target.state = TargetState::idle;
}

void ProfileScheduler::leave_queue(TaskId id, const Waiter& waiter) {
  if (x_traits.keeps_order) x_policy->leave(lane_of(waiter), waiter.view);
  if (waiter.has_session) {
    x_session_queue.erase(waiter.view.priority, waiter.view.target, waiter.view.sequence,
                          x_sessions.at(id));
  } else {
    x_queue.erase(waiter.view.priority, waiter.view.target, waiter.view.sequence);
  }
}

std::size_t ProfileScheduler::waiting(Priority priority) const {
  return x_queue.size(priority) + x_session_queue.all().size(priority);
}

std::size_t ProfileScheduler::waiting(Priority priority, TargetIndex target) const {
  return x_queue.size(priority, target) + x_session_queue.all().size(priority, target);
}

bool ProfileScheduler::has_waiter(TargetIndex target) const {
  return std::any_of(all_priorities.begin(), all_priorities.end(),
                     [&](Priority priority) { return waiting(priority, target) > 0; });
}

void ProfileScheduler::leave_slot(Waiter& waiter) {
  --x_in_flight[to_index(waiter.view.priority)];
  --x_targets[waiter.view.target].in_flight;
  x_preemptible.erase(waiter.grant_number);
  if (waiter.is_yielding) end_yielding(waiter, true);
}

bool ProfileScheduler::requeue(TaskId id, Duration queue_wait, Instant now, bool is_preempted) {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end() || place->second.stage != Stage::granted) return false;
  Waiter& waiter = place->second;
  leave_slot(waiter);
  if (is_preempted) {
    ++waiter.preemptions;
    ++x_preempted_total;
  }
  if (x_tuner) x_tuner->ended(id, now, std::nullopt);
  // Of what it took nothing is kept: it costs its owner nothing.
  note_end(waiter, TokenUsage{0, 0});
  ++waiter.view.attempts;
  waiter.since = now;
  set_deadline(id, waiter, queue_wait > Duration::zero() ? now + queue_wait : never);
  count(waiter, true);
  push(id, waiter);
  return true;
}

void ProfileScheduler::restore(const WaiterRequest& request, Instant now) {
  add(request, now).knows_preemptions = false;
  enqueue(request.id);
}

void ProfileScheduler::set_inference(TaskId id, Duration inference) {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end() || inference <= Duration::zero()) return;
  Waiter& waiter = place->second;
  waiter.inference_ms = saturated_ms(inference);
  if (waiter.stage == Stage::granted && !waiter.is_yielding) {
    set_deadline(id, waiter, waiter.since + inference);
  }
}

bool ProfileScheduler::remove(TaskId id, Instant now, const TokenUsage& usage, bool is_done) {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end()) return false;
  Waiter& waiter = place->second;
  if (waiter.stage == Stage::granted) {
    leave_slot(waiter);
    if (x_tuner) x_tuner->ended(id, now, RunUsage{usage, is_done});
    note_end(waiter, usage);
    if (usage.out) {
      x_predictor.learn(waiter.view.owner, waiter.view.target, waiter.view.declared, *usage.out);
    }
    const double service_s = to_seconds(now - waiter.since);
    x_mean_service_s =
        x_mean_service_s <= 0 ? service_s : x_mean_service_s + (service_s - x_mean_service_s) / 8;
  } else {
    if (waiter.stage == Stage::waiting) leave_queue(id, waiter);
    count(waiter, false);
  }
  clear_deadline(id, waiter);
  const TargetIndex target = waiter.view.target;
  if (waiter.has_session) x_sessions.erase(id);
  x_owners.release(waiter.view.owner);
  x_waiters.erase(place);
  trim_debt(target);
  return true;
}

std::vector<Expiry> ProfileScheduler::expire(Instant now) {
  std::vector<Expiry> expiries;
  for (Target& target : x_targets) {
    if (target.state == TargetState::refused && target.retry_at <= now) {
      target.state = TargetState::idle;
    }
  }
  while (!x_deadlines.empty() && x_deadlines.begin()->first <= now) {
    const TaskId id = x_deadlines.begin()->second;
    Waiter& waiter = x_waiters.at(id);
    if (waiter.stage == Stage::granted) {
      clear_deadline(id, waiter);
      expiries.push_back({id, ErrorCode::inference_timeout});
    } else {
      const Target& target = x_targets[waiter.view.target];
      const bool is_unserved =
          target.state == TargetState::parked && target.capacities.empty() && !target.name.empty();
      remove(id, now);
      ++x_rejected_total;
      expiries.push_back({id, ErrorCode::queue_wait_timeout, is_unserved});
    }
  }
  return expiries;
}

std::optional<Instant> ProfileScheduler::next_deadline() const {
  std::optional<Instant> next;
  if (!x_deadlines.empty()) next = x_deadlines.begin()->first;
  if (x_held_until) next = next ? std::min(*next, *x_held_until) : x_held_until;
  for (const Target& target : x_targets) {
    if (target.state != TargetState::refused) continue;
    next = next ? std::min(*next, target.retry_at) : target.retry_at;
  }
  return next;
}

void ProfileScheduler::reconfigure(ProfileSettings settings) {
  const bool is_new_order =
      settings.policy != x_settings.policy || settings.policy_options != x_settings.policy_options;
  const bool tunes_anew = settings.tune_slots != x_settings.tune_slots ||
                          settings.max_concurrent != x_settings.max_concurrent;
  x_settings = std::move(settings);
  if (tunes_anew) begin_tuning();
  if (x_settings.preempt == Preempt::none) x_preemptible.clear();
  if (is_new_order) adopt_policy();
}

Occupancy ProfileScheduler::occupancy() const {
  Occupancy occupancy;
  occupancy.slots = slots();
  for (const std::uint32_t of_class : x_in_flight) occupancy.in_flight += of_class;
  for (const Priority priority : all_priorities) {
    occupancy.waiting[to_index(priority)] = waiting(priority);
  }
  occupancy.admitted_total = x_admitted_total;
  occupancy.rejected_total = x_rejected_total;
  occupancy.preempted_total = x_preempted_total;
  return occupancy;
}

std::optional<std::size_t> ProfileScheduler::position(TaskId id) const {
  const auto place = x_waiters.find(id);
  if (place == x_waiters.end() || place->second.stage != Stage::waiting) return std::nullopt;
  const Waiter& waiter = place->second;
  std::size_t before =
      x_queue.count_before(waiter.view.priority, waiter.view.sequence) +
      x_session_queue.all().count_before(waiter.view.priority, waiter.view.sequence);
  for (std::size_t index = 0; index < to_index(waiter.view.priority); ++index) {
    before += waiting(all_priorities[index]);
  }
  return before + 1;
}

double ProfileScheduler::estimated_wait_s(std::size_t position) const {
  const double service_s = x_mean_service_s > 0 ? x_mean_service_s : assumed_service_s;
  const double all = std::max<double>(slots(), 1);
  return std::ceil(static_cast<double>(position) / all) * service_s;
}

double ProfileScheduler::estimated_wait_s(Priority priority) const {
  const bool is_empty = std::none_of(all_priorities.begin(), all_priorities.end(),
                                     [this](Priority each) { return waiting(each) > 0; });
  if (free_slots() > 0 && is_empty) return 0;
  std::size_t before = 0;
  for (std::size_t index = 0; index <= to_index(priority); ++index) {
    before += waiting(all_priorities[index]);
  }
  return estimated_wait_s(before + 1);
}

}  // namespace signalbox
