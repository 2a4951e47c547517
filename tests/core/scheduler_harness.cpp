#include "tests/core/scheduler_harness.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

using Kind = Op::Kind;
using Place = SchedulerModel::Place;

DrivenScheduler::DrivenScheduler(const Scenario& scenario)
    : x_scenario{&scenario}, x_scheduler{"p", scenario.settings} {}

void DrivenScheduler::pump(StepOutcome& outcome) {
  std::vector<Grant> grants;
  do {
    for (std::string& target : x_scheduler.withdrawals()) {
      outcome.withdrawn.push_back(std::move(target));
    }
    for (AskForLease& ask : x_scheduler.asks(x_now)) {
      outcome.asks.emplace_back(std::move(ask.target), ask.priority);
    }
    std::vector<Lease> unused;
    grants = x_scheduler.settle(x_now, unused);
    for (const Grant& grant : grants) {
      outcome.grants.push_back({grant.id, grant.lease.llm, grant.lease.number, grant.queue_wait});
    }
    for (const Lease& lease : unused) outcome.unused.push_back(lease.number);
  } while (!grants.empty());
  std::sort(outcome.asks.begin(), outcome.asks.end());
  std::sort(outcome.withdrawn.begin(), outcome.withdrawn.end());
  std::sort(outcome.unused.begin(), outcome.unused.end());
}

StepOutcome DrivenScheduler::apply(const Op& op) {
  StepOutcome outcome;
  const auto request = [&]() -> const WaiterRequest& { return x_scenario->waiters[op.which]; };
  const auto target = [&]() -> const std::string& { return x_scenario->targets[op.which]; };
  switch (op.kind) {
    case Kind::reserve:
      outcome.is_refused = x_scheduler.reserve(request(), x_now).has_value();
      break;
    case Kind::enqueue:
      x_scheduler.enqueue(request().id);
      break;
    case Kind::submit:
      outcome.is_refused = x_scheduler.reserve(request(), x_now).has_value();
      if (!outcome.is_refused) x_scheduler.enqueue(request().id);
      break;
    case Kind::restore: {
      WaiterRequest uncounted = request();
      uncounted.counted = false;
      x_scheduler.restore(uncounted, x_now);
      break;
    }
    case Kind::lease_granted: {
      Lease lease;
      lease.llm = target();
      lease.number = x_next_lease++;
      x_scheduler.lease_granted(target(), lease);
      break;
    }
    case Kind::lease_parked:
      x_scheduler.lease_parked(target(), true);
      break;
    case Kind::lease_refused:
      outcome.failed = x_scheduler.lease_refused(target(), x_now + refusal_pause, x_now);
      break;
    case Kind::requeue:
      outcome.is_requeued = x_scheduler.requeue(request().id, request().queue_wait, x_now);
      break;
    case Kind::remove:
      outcome.is_removed = x_scheduler.remove(request().id, x_now);
      break;
    case Kind::advance:
      x_now += std::chrono::seconds{op.which};
      break;
    case Kind::expire:
      for (const Expiry& expiry : x_scheduler.expire(x_now)) {
        outcome.expired.emplace_back(expiry.id, expiry.code);
      }
      break;
    case Kind::slots: {
      ProfileSettings settings = x_scheduler.settings();
      settings.max_concurrent = op.which;
      x_scheduler.reconfigure(settings);
      break;
    }
  }
  if (op.kind != Kind::advance) pump(outcome);
  return outcome;
}

namespace {

std::string find_grant_fault(const SchedulerModel& before, const SchedulerModel& after,
                             const StepOutcome& outcome) {
  std::set<std::uint32_t> leases(outcome.unused.begin(), outcome.unused.end());
  if (leases.size() != outcome.unused.size()) return "a lease was given back twice";
  for (const auto& grant : outcome.grants) {
    const auto* earlier = before.find(grant.id);
    // One that gave its slot back may be the next again.
    const bool had_slot = earlier != nullptr && earlier->place == Place::granted;
    if (had_slot && !outcome.is_requeued) return "granted twice";
    const auto* granted = after.find(grant.id);
    if (granted == nullptr || granted->place != Place::granted) return "granted and yet elsewhere";
    if (grant.lease_target != granted->request.target) return "granted with another's lease";
    if (!grant.lease_target.empty() && !leases.insert(grant.lease_number).second) {
      return "one lease for two";
    }
    bool is_earlier = false;
    for (const auto& each : after.waiters) {
      const auto& mine = granted->request;
      if (each.request.id == grant.id) is_earlier = true;
      if (each.place != Place::waiting || each.request.priority > mine.priority) continue;
      // Arrived before it (the list is in that order), or of a better class.
      const bool is_better = each.request.priority < mine.priority || !is_earlier;
      if (!is_better) continue;
      if (each.request.target == mine.target) return "overtook one of its own target";
      if (!after.targets.at(each.request.target).is_stuck()) return "overtook one that could run";
    }
  }
  return {};
}

std::string find_occupancy_fault(const SchedulerModel& after, const ProfileScheduler& scheduler) {
  const Occupancy occupancy = scheduler.occupancy();
  if (occupancy.slots != after.slots || scheduler.slots() != after.slots) return "slots differ";
  if (occupancy.in_flight != after.in_flight()) return "in_flight differs";
  if (occupancy.admitted_total != after.admitted_total) return "admitted_total differs";
  if (occupancy.rejected_total != after.rejected_total) return "rejected_total differs";
  for (const Priority priority : all_priorities) {
    if (occupancy.waiting[to_index(priority)] != after.waiting(priority)) return "waiting differs";
  }
  std::size_t position = 0;
  for (const TaskId id : after.line()) {
    if (scheduler.position(id) != ++position) return "position differs";
  }
  for (const auto& each : after.waiters) {
    if (each.place != Place::waiting && scheduler.position(each.request.id)) {
      return "one that does not wait has a position";
    }
  }
  if (scheduler.next_deadline() != after.next_deadline()) return "next_deadline differs";
  return {};
}

}  // namespace

std::string find_fault(const SchedulerModel& before, const SchedulerModel& after,
                       const StepOutcome& outcome, const ProfileScheduler& scheduler) {
  if (auto fault = find_grant_fault(before, after, outcome); !fault.empty()) return fault;
  if (auto fault = find_occupancy_fault(after, scheduler); !fault.empty()) return fault;
  const std::uint32_t in_flight = scheduler.occupancy().in_flight;
  if (!outcome.grants.empty() && in_flight > scheduler.slots()) return "granted beyond the slots";
  std::size_t held = 0;
  for (const auto& [name, target] : after.targets) {
    held += target.leases.size();
    if (target.is_asked || target.is_stuck() || in_flight >= scheduler.slots()) continue;
    for (const auto& each : after.waiters) {
      // Nobody will ever call the profile on behalf of this one: a lost wake-up. One whose lease is
      // in hand waits for the answer to another's open ask, which does call.
      const bool is_held = !target.leases.empty() && after.is_any_asked();
      if (each.place == Place::waiting && each.request.target == name && !is_held) {
        return "one waits beside a free slot with no lease asked for";
      }
    }
  }
  if (held > 0 && !after.is_any_asked()) return "a lease is kept that nobody uses";
  for (const auto& [id, code] : outcome.expired) {
    const auto* late = before.find(id);
    if (late == nullptr || !late->deadline || *late->deadline > before.now) return "expired early";
    const bool is_running = late->place == Place::granted;
    const auto right = is_running ? ErrorCode::inference_timeout : ErrorCode::queue_wait_timeout;
    if (code != right) return "expired for the wrong budget";
    if ((after.find(id) != nullptr) != is_running) return "expired and in the wrong place";
  }
  return {};
}

namespace {

class Explorer {
 public:
  Explorer(const Scenario& scenario, std::size_t depth) : x_scenario{scenario}, x_depth{depth} {}

  void descend(const SchedulerModel& before) {
    if (x_path.size() == x_depth) {
      ++explored.sequences;
      return;
    }
    for (const Op& op : x_scenario.alphabet) {
      // Two pauses one after the other are one longer pause.
      const bool is_repeat =
          op.kind == Kind::advance && !x_path.empty() && x_path.back().kind == Kind::advance;
      if (is_repeat || !before.is_useful(op)) continue;
      x_path.push_back(op);
      SchedulerModel after = before;
      const StepOutcome expected = after.apply(op);
      check(before, after, expected);
      descend(after);
      x_path.pop_back();
    }
  }

  Explored explored;

 private:
  // A scheduler cannot be copied, so each step is taken from the start; only its last operation is
  // new and looked at.
  void check(const SchedulerModel& before, const SchedulerModel& after,
             const StepOutcome& expected) {
    DrivenScheduler driven{x_scenario};
    StepOutcome found;
    for (const Op& op : x_path) found = driven.apply(op);
    ++explored.checked_steps;
    explored.applied_ops += x_path.size();
    explored.grants += found.grants.size();
    std::string fault = find_fault(before, after, found, driven.scheduler());
    if (!(found == expected)) fault += " differs from the oracle";
    if (fault.empty()) return;
    std::string path;
    for (const Op& op : x_path) path += " " + to_string(op);
    FAIL(x_scenario.name << ": " << fault << "\n  after" << path << "\n  expected"
                         << to_string(expected) << "\n  found   " << to_string(found));
  }

  const Scenario& x_scenario;
  std::size_t x_depth;
  std::vector<Op> x_path;
};

}  // namespace

Explored explore(const Scenario& scenario, std::size_t depth) {
  Explorer explorer{scenario, depth};
  explorer.descend(SchedulerModel{scenario});
  return explorer.explored;
}

}  // namespace signalbox::test
