// Fairness between owners inside a class, classes strictly in order: a virtual token counter per
// owner and class (VTC, arXiv 2401.00588), the owner with the smallest is next, its own calls in
// order of arrival.
//
// A counter is what the owner's ended calls cost, and what those in slots are expected to, over the
// owner's weight: of owners who always wait each is served in proportion to its weight. Whoever
// comes back from idle is lifted to the smallest cost of those who wait, so nobody saves up a claim
// to the whole backend; expectations are left out of that, so that nobody pays for another's wrong
// one. Where expectations hold, counters of owners who always wait stay within what one call adds.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/policies/policy.hpp"

namespace signalbox {

/// What a counter counts: tokens at weight 1, as whole multiples of 1/720,720, which is what whole
/// weights up to 16 divide without rest. Other weights lose less than one of them a call. 128 bits:
/// the dearest call adds less than 2^54 of them, so no counter comes to an end.
__extension__ using VirtualTokens = __int128;

inline constexpr std::int64_t virtual_tokens_per_token = 720'720;

/// @param cost in tokens, not negative. @pre weight > 0. Rounds down.
constexpr VirtualTokens virtual_cost(std::int64_t cost, std::uint32_t weight) {
  return VirtualTokens{cost} * virtual_tokens_per_token / weight;
}

class FairPolicy final : public Policy {
 public:
  [[nodiscard]] PolicyTraits traits() const override {
    return {.reads_waiters = true, .keeps_order = true, .predicts = true, .weighs_owners = true};
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
  [[nodiscard]] VirtualTokens counter(Priority priority, OwnerIndex owner) const;

 private:
  /// One owner's calls of one lane, by arrival.
  using Line = std::map<std::uint64_t, const WaiterView*>;
  struct Account {
    /// Of calls that have ended, with lifts.
    VirtualTokens cost = 0;
    /// Of calls in slots.
    VirtualTokens expected = 0;
    [[nodiscard]] VirtualTokens counter() const { return cost + expected; }
    std::map<Lane, Line> lines;
  };
  /// Counter and arrival of the owner's first in the lane; at one counter the earlier goes first.
  using Place = std::pair<VirtualTokens, std::uint64_t>;
  struct Class {
    /// By owner.
    std::vector<Account> accounts;
    /// Owners who wait, by cost.
    std::set<std::pair<VirtualTokens, OwnerIndex>> active;
    VirtualTokens last_to_leave = 0;
  };

  Account& account(Priority priority, OwnerIndex owner);
  void charge(const WaiterView& waiter, VirtualTokens cost, VirtualTokens expected);

  std::array<Class, priority_count> x_classes;
  std::map<Lane, std::map<Place, const WaiterView*>> x_lanes;
};

}  // namespace signalbox
