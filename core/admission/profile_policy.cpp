// What a profile tells its policy, and what it asks of it beside the order.
#include <algorithm>

#include "core/admission/profile_scheduler.hpp"

namespace signalbox {

Rooms ProfileScheduler::rooms() const {
  Rooms rooms = x_policy->rooms({slots(), x_in_flight});
  if (x_owed == 0) return rooms;
  for (const Priority priority : all_priorities) {
    std::uint32_t& room = rooms[to_index(priority)];
    if (priority != Priority::interactive) room -= std::min(room, x_owed);
  }
  return rooms;
}

Lane ProfileScheduler::lane_of(const Waiter& waiter) {
  return {waiter.view.priority, waiter.view.target, waiter.has_session};
}

void ProfileScheduler::predict(WaiterView& view) const {
  if (!x_traits.predicts) return;
  view.predicted_out = x_predictor.predict(view.owner, view.target, view.declared);
}

// Until it ends a call weighs what it did when it came into line under the policy in force: what is
// charged at its grant and what is taken back at its end are equal.
void ProfileScheduler::weigh(WaiterView& view) const {
  if (!x_traits.weighs_owners) return;
  view.owner_weight = weight_of(x_settings.policy_options.fair_weights, x_owners.name(view.owner));
}

void ProfileScheduler::adopt_policy() {
  x_policy = make_policy(x_settings.policy, x_settings.policy_options);
  x_traits = x_policy->traits();
  ++x_policy_number;
  if (!x_traits.heeds_loaded) {
    x_loaded.clear();
    for (Target& target : x_targets) target.loaded_on.clear();
  }
  if (!x_traits.keeps_order) return;
  for (const Priority priority : all_priorities) {
    for (TargetIndex target = 0; target < x_targets.size(); ++target) {
      for (const WaitQueue* queue : {&std::as_const(x_queue), &x_session_queue.all()}) {
        for (const TaskId id : queue->ids(priority, target)) {
          Waiter& waiter = x_waiters.at(id);
          predict(waiter.view);
          weigh(waiter.view);
          x_policy->enter(lane_of(waiter), waiter.view);
        }
      }
    }
  }
}

void ProfileScheduler::note_end(Waiter& waiter, const TokenUsage& usage) {
  if (waiter.granted_by == x_policy_number) x_policy->ended(waiter.view, usage);
}

void ProfileScheduler::forget_owners(const std::vector<OwnerIndex>& owners) {
  for (const OwnerIndex owner : owners) {
    x_policy->forget(owner);
    x_predictor.forget(owner);
  }
}

void ProfileScheduler::note_loaded(const Lease& lease, TargetIndex target) {
  if (lease.group.empty()) return;
  const auto [place, is_new] = x_loaded.try_emplace(lease.group, target);
  if (!is_new) x_targets[place->second].loaded_on.erase(lease.group);
  place->second = target;
  x_targets[target].loaded_on.insert(lease.group);
}

bool ProfileScheduler::is_loaded(const Target& target, const Lease* lease) const {
  return lease == nullptr ? !target.loaded_on.empty() : target.loaded_on.contains(lease->group);
}

std::optional<SwapBatch> ProfileScheduler::swap_batch(TargetIndex index) const {
  const CapacityList& capacities = x_targets[index].capacities;
  const auto has_another = [&](const auto& entry) {
    const auto loaded = x_loaded.find(entry.first);
    return loaded != x_loaded.end() && loaded->second != index;
  };
  // Whose backends are not known yet is not held back for their sake.
  const bool needs_swap =
      !capacities.empty() && std::all_of(capacities.begin(), capacities.end(), has_another);
  if (!needs_swap) return std::nullopt;
  SwapBatch batch{0, Instant::max()};
  for (const Priority priority : all_priorities) {
    batch.calls += waiting(priority, index);
    const auto first = front(priority, index, nullptr);
    if (first) batch.since = std::min(batch.since, x_waiters.at(first->id).view.enqueued_at);
  }
  return batch;
}

void ProfileScheduler::set_capacity(const std::string& target, CapacityList capacities) {
  x_targets[target_index(target)].capacities = std::move(capacities);
  std::map<std::string_view, std::size_t> targets_of;
  for (const Target& each : x_targets) {
    for (const auto& [group, capacity] : each.capacities) ++targets_of[group];
  }
  x_shares_groups = std::any_of(targets_of.begin(), targets_of.end(),
                                [](const auto& entry) { return entry.second > 1; });
  std::erase_if(x_loaded, [&](const auto& entry) {
    const bool is_gone = !targets_of.contains(entry.first);
    if (is_gone) x_targets[entry.second].loaded_on.erase(entry.first);
    return is_gone;
  });
}

}  // namespace signalbox
