// A profile that preempts, and a small directory of backends that answers its questions at once:
// what the tests of preemption walk over.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/fixtures.hpp"

namespace signalbox::test {

inline ProfileSettings preempting(std::uint32_t slots, std::uint32_t budget = 2,
                                  const std::string& policy = "strict") {
  ProfileSettings settings;
  settings.max_concurrent = slots;
  settings.policy = policy;
  settings.preempt = Preempt::background;
  settings.preempt_budget = budget;
  return settings;
}

/// A profile and the backends of its targets, one lease at a time.
class Desk {
 public:
  explicit Desk(ProfileSettings settings) : scheduler{"p", std::move(settings)} {}

  /// Backends of that target: each group's capacity counts once over all targets.
  void serve(const std::string& target, const CapacityList& groups) {
    for (const auto& [group, capacity] : groups) room.try_emplace(group, capacity);
    groups_of[target] = groups;
    scheduler.set_capacity(target, groups);
  }
  /// Another profile takes, or gives back, so much of a group's room.
  void take_room(const std::string& group, std::uint32_t count) { room.at(group) -= count; }
  void give_room(const std::string& group, std::uint32_t count) {
    room.at(group) += count;
    serve_line();
    pump();
  }

  void submit(std::uint64_t number, Priority priority, const std::string& target) {
    WaiterRequest request;
    request.id = task_id(number);
    request.priority = priority;
    request.target = target;
    request.inference = std::chrono::seconds{100};
    REQUIRE_FALSE(scheduler.reserve(request, now));
    scheduler.enqueue(request.id);
    waiting.emplace(number, request);
    pump();
  }
  void restore(std::uint64_t number, const std::string& target) {
    WaiterRequest request;
    request.id = task_id(number);
    request.priority = Priority::background;
    request.target = target;
    request.counted = false;
    scheduler.restore(request, now);
    waiting.emplace(number, request);
    pump();
  }
  /// Ended.
  void finish(std::uint64_t number) {
    leave(number);
    scheduler.remove(task_id(number), now);
    pump();
  }
  /// Its backend has confirmed that it stopped.
  void confirm(std::uint64_t number) {
    waiting.emplace(number, running.at(number).request);
    leave(number);
    scheduler.requeue(task_id(number), Duration::zero(), now, true);
    pump();
  }
  void keep(std::uint64_t number) {
    std::erase(told, task_id(number));
    kept.insert(number);
    scheduler.keep_slot(task_id(number));
    pump();
  }
  void hang_up(std::uint64_t number) {
    waiting.erase(number);
    scheduler.remove(task_id(number), now);
    pump();
  }
  void pump() {
    std::vector<Grant> grants;
    do {
      while (answer(scheduler.asks(now))) continue;
      std::vector<Lease> unused;
      grants = scheduler.settle(now, unused);
      for (const Grant& grant : grants) note(grant);
      for (const Lease& lease : unused) ++room.at(lease.group);
      if (!unused.empty()) serve_line();
    } while (!grants.empty());
    for (const TaskId id : scheduler.preempt()) told.push_back(id);
  }

  [[nodiscard]] bool runs(std::uint64_t number) const { return running.contains(number); }
  [[nodiscard]] std::uint32_t in_flight() { return scheduler.occupancy().in_flight; }

  struct Running {
    WaiterRequest request;
    std::string group;
    /// Rises with every grant.
    std::uint64_t grant = 0;
  };
  ProfileScheduler scheduler;
  Instant now = at_s(1);
  std::map<std::uint64_t, WaiterRequest> waiting;
  std::map<std::uint64_t, Running> running;
  /// Told to yield, not yet gone.
  std::vector<TaskId> told;
  /// In slots that they were told to give up and do not.
  std::set<std::uint64_t> kept;
  /// By target.
  std::map<std::string, CapacityList> groups_of;
  /// Free, by group.
  std::map<std::string, std::uint32_t> room;

 private:
  void leave(std::uint64_t number) {
    std::erase(told, task_id(number));
    kept.erase(number);
    const std::string group = running.at(number).group;
    running.erase(number);
    if (group.empty()) return;
    ++room.at(group);
    serve_line();
  }
  void note(const Grant& grant) {
    const std::uint64_t number = number_of(grant.id);
    running[number] = {waiting.at(number), grant.lease.group, ++x_grants};
    waiting.erase(number);
  }
  bool answer(const std::vector<AskForLease>& asks) {
    for (const AskForLease& ask : asks) {
      if (lease(ask.target)) continue;
      x_line.insert(ask.target);
      scheduler.lease_parked(ask.target, true);
    }
    return !asks.empty();
  }
  bool lease(const std::string& target) {
    for (const auto& [group, capacity] : groups_of.at(target)) {
      if (room.at(group) == 0) continue;
      --room.at(group);
      x_line.erase(target);
      Lease made;
      made.llm = "llm";
      made.group = group;
      made.number = ++x_leases;
      scheduler.lease_granted(target, std::move(made));
      return true;
    }
    return false;
  }
  void serve_line() {
    for (const std::string& target : std::vector<std::string>{x_line.begin(), x_line.end()}) {
      lease(target);
    }
  }

  /// Targets that are told when there is room.
  std::set<std::string> x_line;
  std::uint32_t x_leases = 0;
  std::uint64_t x_grants = 0;
};

}  // namespace signalbox::test
