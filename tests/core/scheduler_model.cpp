#include "tests/core/scheduler_model.hpp"

#include <algorithm>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {

using Kind = Op::Kind;

std::string to_string(const Op& op) {
  static const std::map<Kind, std::string> words{{Kind::reserve, "reserve"},
                                                 {Kind::enqueue, "enqueue"},
                                                 {Kind::submit, "submit"},
                                                 {Kind::restore, "restore"},
                                                 {Kind::lease_granted, "granted"},
                                                 {Kind::lease_parked, "parked"},
                                                 {Kind::lease_refused, "lease_refused"},
                                                 {Kind::requeue, "requeue"},
                                                 {Kind::remove, "remove"},
                                                 {Kind::advance, "advance"},
                                                 {Kind::expire, "expire"},
                                                 {Kind::slots, "slots"}};
  return words.at(op.kind) + "(" + std::to_string(op.which) + ")";
}

std::string to_string(const StepOutcome& outcome) {
  std::string text;
  if (outcome.is_refused) text += " refused";
  if (outcome.is_removed) text += " removed";
  if (outcome.is_requeued) text += " requeued";
  for (const TaskId id : outcome.failed) text += " failed(" + std::to_string(number_of(id)) + ")";
  for (const auto& [target, priority] : outcome.asks) {
    text += " ask(" + target + "," + std::string{signalbox::to_string(priority)} + ")";
  }
  for (const auto& grant : outcome.grants) {
    text += " grant(" + std::to_string(number_of(grant.id)) + " lease " + grant.lease_target + "#" +
            std::to_string(grant.lease_number) + " after " + std::to_string(to_ms(grant.waited)) +
            "ms)";
  }
  for (const std::uint32_t number : outcome.unused) text += " unused#" + std::to_string(number);
  for (const auto& [id, code] : outcome.expired) {
    text +=
        " " + std::string{signalbox::to_string(code)} + "(" + std::to_string(number_of(id)) + ")";
  }
  return text.empty() ? " nothing" : text;
}

SchedulerModel::SchedulerModel(const Scenario& scenario)
    : slots{scenario.settings.max_concurrent.value()}, x_scenario{&scenario} {
  for (const std::string& target : scenario.targets) targets[target];
}

SchedulerModel::Waiter* SchedulerModel::find(TaskId id) {
  for (Waiter& waiter : waiters) {
    if (waiter.request.id == id) return &waiter;
  }
  return nullptr;
}

const SchedulerModel::Waiter* SchedulerModel::find(TaskId id) const {
  for (const Waiter& waiter : waiters) {
    if (waiter.request.id == id) return &waiter;
  }
  return nullptr;
}

bool SchedulerModel::is_any_asked() const {
  return std::any_of(targets.begin(), targets.end(),
                     [](const auto& entry) { return entry.second.is_asked; });
}

std::size_t SchedulerModel::in_flight() const {
  return static_cast<std::size_t>(
      std::count_if(waiters.begin(), waiters.end(),
                    [](const Waiter& each) { return each.place == Place::granted; }));
}

std::size_t SchedulerModel::free_slots() const {
  return slots > in_flight() ? slots - in_flight() : 0;
}

std::size_t SchedulerModel::waiting(Priority priority) const {
  return static_cast<std::size_t>(
      std::count_if(waiters.begin(), waiters.end(), [&](const Waiter& each) {
        return each.place == Place::waiting && each.request.priority == priority;
      }));
}

std::vector<TaskId> SchedulerModel::line() const {
  std::vector<TaskId> ids;
  for (const Priority priority : all_priorities) {
    for (const Waiter& each : waiters) {
      if (each.place == Place::waiting && each.request.priority == priority) {
        ids.push_back(each.request.id);
      }
    }
  }
  return ids;
}

std::optional<Instant> SchedulerModel::next_deadline() const {
  std::optional<Instant> first;
  for (const Waiter& each : waiters) {
    if (each.deadline && (!first || *each.deadline < *first)) first = each.deadline;
  }
  for (const auto& [name, target] : targets) {
    if (target.retry_at && (!first || *target.retry_at < *first)) first = target.retry_at;
  }
  return first;
}

bool SchedulerModel::is_possible(const Op& op) const {
  switch (op.kind) {
    case Kind::reserve:
    case Kind::submit:
    case Kind::restore:
      return find(x_scenario->waiters[op.which].id) == nullptr;
    case Kind::lease_granted: {
      const Target& target = targets.at(x_scenario->targets[op.which]);
      return target.is_asked || target.is_stuck() || target.may_be_late;
    }
    case Kind::lease_refused: {
      const Target& target = targets.at(x_scenario->targets[op.which]);
      return target.is_asked || target.is_parked;
    }
    case Kind::lease_parked:
      return targets.at(x_scenario->targets[op.which]).is_asked;
    default:
      return true;
  }
}

bool SchedulerModel::is_useful(const Op& op) const {
  if (!is_possible(op)) return false;
  if (op.kind == Kind::slots) return slots != op.which;
  if (op.kind == Kind::remove) return find(x_scenario->waiters[op.which].id) != nullptr;
  if (op.kind != Kind::enqueue && op.kind != Kind::requeue) return true;
  const Waiter* waiter = find(x_scenario->waiters[op.which].id);
  const Place place = op.kind == Kind::enqueue ? Place::reserved : Place::granted;
  return waiter != nullptr && waiter->place == place;
}

bool SchedulerModel::reserve(const WaiterRequest& request) {
  if (request.counted) {
    std::size_t mine = 0;
    std::size_t better = 0;
    for (const Waiter& each : waiters) {
      if (!each.request.counted || each.place == Place::granted) continue;
      if (each.request.priority == request.priority) ++mine;
      if (each.request.priority < request.priority) ++better;
    }
    // A free slot that nobody better will take is room for one who need not wait, unless its
    // backends are all busy.
    std::size_t room = targets.at(request.target).is_stuck() ? 0 : free_slots();
    room = room > better ? room - better : 0;
    if (mine >= x_scenario->settings.max_queued + room) {
      ++rejected_total;
      return false;
    }
  }
  Waiter waiter;
  waiter.request = request;
  waiter.since = now;
  if (request.queue_wait > Duration::zero()) waiter.deadline = now + request.queue_wait;
  waiters.push_back(waiter);
  return true;
}

void SchedulerModel::enqueue(TaskId id) {
  Waiter* waiter = find(id);
  if (waiter == nullptr || waiter->place != Place::reserved) return;
  waiter->place = Place::waiting;
  targets.at(waiter->request.target).retry_at.reset();
}

bool SchedulerModel::requeue(const WaiterRequest& request) {
  Waiter* waiter = find(request.id);
  if (waiter == nullptr || waiter->place != Place::granted) return false;
  waiter->place = Place::waiting;
  waiter->since = now;
  waiter->deadline.reset();
  if (request.queue_wait > Duration::zero()) waiter->deadline = now + request.queue_wait;
  targets.at(waiter->request.target).retry_at.reset();
  return true;
}

void SchedulerModel::refuse(const std::string& name, StepOutcome& outcome) {
  Target& target = targets.at(name);
  target.is_asked = false;
  target.is_parked = false;
  target.retry_at = now + refusal_pause;
  for (const TaskId id : line()) {
    const Waiter& waiter = *find(id);
    if (waiter.request.target == name && waiter.request.counted) outcome.failed.push_back(id);
  }
  for (const TaskId id : outcome.failed) remove(id);
}

bool SchedulerModel::remove(TaskId id) {
  return std::erase_if(waiters, [&](const Waiter& each) { return each.request.id == id; }) > 0;
}

void SchedulerModel::expire(StepOutcome& outcome) {
  for (auto& [name, target] : targets) {
    if (target.retry_at && *target.retry_at <= now) target.retry_at.reset();
  }
  while (const auto first = next_deadline()) {
    if (*first > now) return;
    TaskId id;
    for (const Waiter& each : waiters) {
      if (each.deadline == first && (id.is_nil() || each.request.id < id)) id = each.request.id;
    }
    Waiter& waiter = *find(id);
    if (waiter.place == Place::granted) {
      waiter.deadline.reset();
      outcome.expired.emplace_back(id, ErrorCode::inference_timeout);
    } else {
      remove(id);
      ++rejected_total;
      outcome.expired.emplace_back(id, ErrorCode::queue_wait_timeout);
    }
  }
}

void SchedulerModel::withdraw(StepOutcome& outcome) {
  for (auto& [name, target] : targets) {
    const bool is_waited_for =
        std::any_of(waiters.begin(), waiters.end(), [&, &wanted = name](const Waiter& each) {
          return each.place == Place::waiting && each.request.target == wanted;
        });
    if (!target.is_in_line || target.is_asked || is_waited_for) continue;
    target.is_in_line = false;
    target.is_parked = false;
    target.retry_at.reset();
    target.may_be_late = true;
    outcome.withdrawn.push_back(name);
  }
}

void SchedulerModel::ask(StepOutcome& outcome) {
  if (free_slots() == 0) return;
  for (auto& [name, target] : targets) {
    if (target.is_asked || !target.leases.empty()) continue;
    std::optional<Priority> best;
    for (const Waiter& each : waiters) {
      if (each.place != Place::waiting || each.request.target != name) continue;
      if (!best || each.request.priority < *best) best = each.request.priority;
    }
    if (!best) continue;
    // Who stands in the directory's line with a lesser class asks again.
    if (target.retry_at || (target.is_parked && !(*best < target.asked))) continue;
    if (name.empty()) {
      // Nobody need be asked: a slot of the app's own needs no backend.
      target.leases.push_back(0);
    } else {
      target.is_asked = true;
      target.is_parked = false;
      target.asked = *best;
      outcome.asks.emplace_back(name, *best);
    }
  }
}

bool SchedulerModel::settle(StepOutcome& outcome) {
  if (is_any_asked()) return false;
  bool has_granted = false;
  while (free_slots() > 0) {
    Waiter* best = nullptr;
    for (Waiter& each : waiters) {
      if (each.place != Place::waiting || targets.at(each.request.target).is_stuck()) continue;
      // The list is in order of arrival, so only a better class displaces an earlier find.
      if (best == nullptr || each.request.priority < best->request.priority) best = &each;
    }
    if (best == nullptr) break;
    auto& leases = targets.at(best->request.target).leases;
    // Its target has just given its lease to another and may have one more. Until that is known, a
    // lesser waiter must not take the slot; the leases in hand are kept meanwhile.
    if (leases.empty()) return true;
    outcome.grants.push_back(
        {best->request.id, best->request.target, leases.back(), now - best->since});
    leases.pop_back();
    best->place = Place::granted;
    best->since = now;
    best->deadline.reset();
    if (best->request.inference > Duration::zero()) best->deadline = now + best->request.inference;
    ++admitted_total;
    has_granted = true;
  }
  for (auto& [name, target] : targets) {
    if (!name.empty()) {
      outcome.unused.insert(outcome.unused.end(), target.leases.begin(), target.leases.end());
    }
    target.leases.clear();
  }
  return has_granted;
}

void SchedulerModel::pump(StepOutcome& outcome) {
  do {
    withdraw(outcome);
    ask(outcome);
  } while (settle(outcome));
  std::sort(outcome.asks.begin(), outcome.asks.end());
  std::sort(outcome.withdrawn.begin(), outcome.withdrawn.end());
  std::sort(outcome.unused.begin(), outcome.unused.end());
}

StepOutcome SchedulerModel::apply(const Op& op) {
  StepOutcome outcome;
  const auto request = [&]() -> const WaiterRequest& { return x_scenario->waiters[op.which]; };
  const auto target = [&]() -> Target& { return targets.at(x_scenario->targets[op.which]); };
  switch (op.kind) {
    case Kind::reserve:
      outcome.is_refused = !reserve(request());
      break;
    case Kind::enqueue:
      enqueue(request().id);
      break;
    case Kind::submit:
      outcome.is_refused = !reserve(request());
      if (!outcome.is_refused) enqueue(request().id);
      break;
    case Kind::restore: {
      WaiterRequest uncounted = request();
      uncounted.counted = false;
      reserve(uncounted);
      enqueue(uncounted.id);
      break;
    }
    case Kind::lease_granted:
      target().is_asked = false;
      target().is_parked = false;
      target().is_in_line = false;
      target().may_be_late = false;
      target().retry_at.reset();
      target().leases.push_back(next_lease++);
      break;
    case Kind::lease_parked:
      target().is_asked = false;
      target().is_parked = true;
      target().is_in_line = true;
      target().may_be_late = false;
      break;
    case Kind::lease_refused:
      refuse(x_scenario->targets[op.which], outcome);
      break;
    case Kind::requeue:
      outcome.is_requeued = requeue(request());
      break;
    case Kind::remove:
      outcome.is_removed = remove(request().id);
      break;
    case Kind::advance:
      now += std::chrono::seconds{op.which};
      break;
    case Kind::expire:
      expire(outcome);
      break;
    case Kind::slots:
      slots = op.which;
      break;
  }
  // Time that goes on is no message: the profile is not woken by it.
  if (op.kind != Kind::advance) pump(outcome);
  return outcome;
}

}  // namespace signalbox::test
