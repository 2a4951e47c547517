// Which waiter is granted next. A policy is a pure object: time is handed in, and of the calls it
// sees what is in WaiterView, so never how long an answer will be. Arithmetic is whole numbers:
// the same events give the same order on every machine.
//
// The scheduler keeps the waiters in lanes and hands over the head of each lane that can start
// someone: the longest waiting, and what the policy itself would take first of that lane. The
// policy picks among the heads; that leaves leases, slots and bounds out of it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/priority.hpp"
#include "core/base/token_usage.hpp"
#include "core/policies/policy_options.hpp"
#include "core/policies/waiter_view.hpp"

namespace signalbox {

/// Waiters that the same leases can serve, kept apart so that one lane's leases hold up no other.
struct Lane {
  Priority priority = Priority::workflow;
  TargetIndex target = 0;
  /// Calls of sessions stand apart: a lease may be for one session only.
  bool has_session = false;

  friend auto operator<=>(const Lane&, const Lane&) = default;
};

/// Calls for one model that would have to be loaded in another's place.
struct SwapBatch {
  /// That wait, of all classes.
  std::size_t calls = 0;
  /// When the first of them came.
  Instant since{};
};

/// One that could be granted now.
struct QueueHead {
  Priority priority = Priority::workflow;
  TargetIndex target = 0;
  /// Rises with every reservation of the profile.
  std::uint64_t sequence = 0;
  /// Set when the policy reads waiters.
  const WaiterView* waiter = nullptr;
  /// A backend that it would go to ran a call of the same target last. Known when the policy heeds
  /// it.
  bool is_loaded = false;
  /// Of its target, when a lease is yet to be asked for and every backend it could be on ran a call
  /// of another one last. Known when the policy holds calls back.
  std::optional<SwapBatch> batch = {};
};

struct SlotUse {
  std::uint32_t slots = 0;
  std::array<std::uint32_t, priority_count> in_flight{};

  /// @returns how many are free; 0 as well when more are in use than there are.
  [[nodiscard]] std::uint32_t free() const;
};

/// How many more calls of each class may start.
using Rooms = std::array<std::uint32_t, priority_count>;

/// What a policy wants to be told. Strict priority wants nothing, and pays for nothing.
struct PolicyTraits {
  /// Heads carry their WaiterView.
  bool reads_waiters = false;
  /// It has an order of its own inside a lane: it hears who enters and leaves, and is asked for
  /// the first.
  bool keeps_order = false;
  /// WaiterView::predicted_out is filled in.
  bool predicts = false;
  /// WaiterView::owner_weight is filled in.
  bool weighs_owners = false;
  /// QueueHead::is_loaded is filled in.
  bool heeds_loaded = false;
  /// It may leave a slot idle beside one who could start: QueueHead::batch is filled in, and
  /// held_until() asked.
  bool holds_back = false;
};

class Policy {
 public:
  virtual ~Policy() = default;

  [[nodiscard]] virtual PolicyTraits traits() const { return {}; }

  /// @returns how many more calls of each class the free slots may take: all of them, unless the
  /// policy keeps some for a class.
  [[nodiscard]] virtual Rooms rooms(const SlotUse& use) const;

  /// @returns the index in `heads` of the one to grant. @pre `heads` is not empty.
  [[nodiscard]] virtual std::size_t pick(std::span<const QueueHead> heads, Instant now) const = 0;
  /// @returns when `head`, the one picked, may start, or nothing when it may now. Until then no
  /// room that it could use is asked for.
  [[nodiscard]] virtual std::optional<Instant> held_until(const QueueHead& /*head*/,
                                                          Instant /*now*/) const {
    return std::nullopt;
  }
  /// `heads[chosen]` has been given a slot, the others could have been.
  virtual void granted(std::span<const QueueHead> /*heads*/, std::size_t /*chosen*/) {}

  // With keeps_order. A waiter stays where it is in memory, unchanged, from enter() to leave().
  virtual void enter(const Lane& /*lane*/, const WaiterView& /*waiter*/) {}
  virtual void leave(const Lane& /*lane*/, const WaiterView& /*waiter*/) {}
  /// @returns whom it would take first of that lane, null when nobody is in it.
  [[nodiscard]] virtual const WaiterView* first(const Lane& /*lane*/) const { return nullptr; }

  /// One that was granted has left its slot. @param usage what it really took, as far as its
  /// backend said.
  virtual void ended(const WaiterView& /*waiter*/, const TokenUsage& /*usage*/) {}
  /// The number will be another owner's. Nobody of that owner waits or has a slot.
  virtual void forget(OwnerIndex /*owner*/) {}
};

/// @pre `name` and `options` passed check(ProfileSettings).
std::unique_ptr<Policy> make_policy(std::string_view name, const PolicyOptions& options);

}  // namespace signalbox
