// Fairness between owners inside a class, classes strictly in order: a virtual token counter per
// owner and class (VTC, arXiv 2401.00588), the owner with the smallest is next, its own calls in
// order of arrival.
//
// A counter is what the owner's ended calls cost, and what those in slots are expected to. Whoever
// comes back from idle is lifted to the smallest cost of those who wait, so nobody saves up a claim
// to the whole backend; expectations are left out of that, so that nobody pays for another's wrong
// one. Where expectations hold, counters of owners who always wait stay within the cost of one
// call.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/policies/policy.hpp"

namespace signalbox {

class FairPolicy final : public Policy {
 public:
  [[nodiscard]] PolicyTraits traits() const override {
    return {.reads_waiters = true, .keeps_order = true, .predicts = true};
  }
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads, Instant now) const override;
  void granted(std::span<const QueueHead> heads, std::size_t chosen) override;
  /// Complexity: O(log n), as leave(); granted() and ended() take that per lane the owner waits in.
  void enter(const Lane& lane, const WaiterView& waiter) override;
  void leave(const Lane& lane, const WaiterView& waiter) override;
  [[nodiscard]] const WaiterView* first(const Lane& lane) const override;
  void ended(const WaiterView& waiter, const TokenUsage& usage) override;
  void forget(OwnerIndex owner) override;

  /// @returns cost and expectations of the owner's calls of that class, with lifts.
  [[nodiscard]] std::int64_t counter(Priority priority, OwnerIndex owner) const;

 private:
  /// One owner's calls of one lane, by arrival.
  using Line = std::map<std::uint64_t, const WaiterView*>;
  struct Account {
    /// Of calls that have ended, with lifts.
    std::int64_t cost = 0;
    /// Of calls in slots.
    std::int64_t expected = 0;
    [[nodiscard]] std::int64_t counter() const { return cost + expected; }
    std::map<Lane, Line> lines;
  };
  /// Counter and arrival of the owner's first in the lane; at one counter the earlier goes first.
  using Place = std::pair<std::int64_t, std::uint64_t>;
  struct Class {
    /// By owner.
    std::vector<Account> accounts;
    /// Owners who wait, by cost.
    std::set<std::pair<std::int64_t, OwnerIndex>> active;
    std::int64_t last_to_leave = 0;
  };

  Account& account(Priority priority, OwnerIndex owner);
  void charge(const WaiterView& waiter, std::int64_t cost, std::int64_t expected);

  std::array<Class, priority_count> x_classes;
  std::map<Lane, std::map<Place, const WaiterView*>> x_lanes;
};

}  // namespace signalbox
