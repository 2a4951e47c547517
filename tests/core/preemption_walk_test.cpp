// Goal: the rules of preemption hold whatever happens in whatever order, under every policy.
// Method: random walks over a profile and its backends, with every rule checked after every step.
#include <catch2/catch.hpp>
#include <iterator>
#include <random>

#include "tests/core/preemption_desk.hpp"

namespace signalbox::test {
namespace {

using enum Priority;
using Ids = std::vector<TaskId>;
using std::chrono::milliseconds;

}  // namespace

TEST_CASE("preempt: random walks keep every rule", "[core][preempt][random]") {
  std::size_t sent_back = 0;
  std::size_t kept = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t bound) { return random() % bound; };
    const auto budget = static_cast<std::uint32_t>(below(4));
    const char* policies[] = {"strict", "aging", "fair", "sjf", "swap"};
    Desk desk{preempting(static_cast<std::uint32_t>(1 + below(4)), budget, policies[below(5)])};
    desk.serve("a", {{"g", 1 + static_cast<std::uint32_t>(below(3))}});
    desk.serve("b", {{"h", 1 + static_cast<std::uint32_t>(below(2))}});
    desk.serve("c", {{"g", 3}, {"h", 2}});
    std::map<TaskId, std::uint32_t> preemptions;
    std::uint64_t next = 1;
    for (int step = 0; step < 200; ++step) {
      INFO("seed " << seed << ", step " << step);
      desk.now += milliseconds{below(5'000)};
      const Ids told_before = desk.told;
      const auto any_running = [&]() -> std::uint64_t {
        if (desk.running.empty()) return 0;
        return std::next(desk.running.begin(), static_cast<long>(below(desk.running.size())))
            ->first;
      };
      const std::uint64_t kind = below(10);
      if (kind < 5 && desk.waiting.size() < 12) {
        const char* targets[] = {"a", "b", "c", ""};
        desk.submit(next++, static_cast<Priority>(below(3)), targets[below(4)]);
      } else if (kind < 8 && !desk.told.empty()) {
        const std::uint64_t number = number_of(desk.told[below(desk.told.size())]);
        const std::uint64_t answer = below(4);
        if (answer == 0) {
          ++kept;
          desk.keep(number);
        } else if (answer == 1) {
          desk.finish(number);
        } else {
          ++preemptions[task_id(number)];
          ++sent_back;
          desk.confirm(number);
        }
      } else if (kind == 8 && !desk.waiting.empty()) {
        desk.hang_up(desk.waiting.begin()->first);
      } else if (const std::uint64_t number = any_running(); number != 0) {
        desk.finish(number);
      }
      // Whoever is told is a background task with budget left, on a backend, and told once.
      std::size_t waits = 0;
      for (const auto& [number, request] : desk.waiting) {
        if (request.priority == interactive) ++waits;
      }
      for (const TaskId id : desk.told) {
        const Desk::Running& victim = desk.running.at(number_of(id));
        REQUIRE(victim.request.priority == background);
        REQUIRE_FALSE(victim.request.target.empty());
        REQUIRE(preemptions[id] < budget);
        REQUIRE(std::count(desk.told.begin(), desk.told.end(), id) == 1);
        REQUIRE_FALSE(desk.kept.contains(number_of(id)));
      }
      const bool is_new = desk.told.size() > told_before.size();
      if (is_new) REQUIRE(desk.told.size() <= waits);
      REQUIRE(desk.in_flight() == desk.running.size());
      REQUIRE(desk.in_flight() <= desk.scheduler.slots());
      // All questions are answered, so who could be helped is being helped: no interactive call
      // waits for a target with a background task on it that could go, and nobody on the way.
      for (const auto& [number, victim] : desk.running) {
        const bool could_go = victim.request.priority == background && !victim.group.empty() &&
                              !desk.kept.contains(number) && preemptions[task_id(number)] < budget;
        if (!could_go || !desk.told.empty()) continue;
        for (const auto& [waiter, request] : desk.waiting) {
          if (request.priority != interactive) continue;
          REQUIRE(request.target != victim.request.target);
        }
      }
      // Work-conserving: with nobody owed anything, a call of any class that could start has.
      for (const auto& [number, request] : desk.waiting) {
        if (desk.in_flight() >= desk.scheduler.slots() || request.target.empty()) continue;
        for (const auto& [group, capacity] : desk.groups_of.at(request.target)) {
          REQUIRE(desk.room.at(group) == 0);
        }
      }
    }
  }
  CHECK(sent_back > 700);
  CHECK(kept > 300);
}

}  // namespace signalbox::test
