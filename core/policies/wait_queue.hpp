// The three FIFO queues of a profile, each split by target (the pool a waiter needs), so that a
// waiter whose pool has no room does not stand in front of one whose pool has. Inside a class,
// order is the sequence number.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/base/ids.hpp"
#include "core/base/priority.hpp"

namespace signalbox {

/// Small number that a profile gives to each target it has seen.
using TargetIndex = std::uint32_t;

class WaitQueue {
 public:
  struct Item {
    std::uint64_t sequence = 0;
    TaskId id;
  };

  /// Usually at the back; a waiter that comes back with its old sequence goes to its old place.
  /// Complexity: O(log n) plus the distance to the nearer end.
  void push(Priority priority, TargetIndex target, Item item);

  /// @returns false when there is no such item. Complexity: amortised O(log n).
  bool erase(Priority priority, TargetIndex target, std::uint64_t sequence);

  /// @returns the first of that class and target, or nothing.
  [[nodiscard]] std::optional<Item> front(Priority priority, TargetIndex target) const;

  [[nodiscard]] std::size_t size(Priority priority) const { return x_sizes[to_index(priority)]; }
  [[nodiscard]] std::size_t size(Priority priority, TargetIndex target) const;

  /// @returns all of that class and target, in order. Complexity: O(n).
  [[nodiscard]] std::vector<TaskId> ids(Priority priority, TargetIndex target) const;

  /// @returns how many of that class, over all targets, come before `sequence`. Complexity: O(log
  /// n) per target.
  [[nodiscard]] std::size_t count_before(Priority priority, std::uint64_t sequence) const;

 private:
  /// Sorted by sequence. Erased items stay as holes (nil id) until they reach an end or are too
  /// many.
  struct Lane {
    std::deque<Item> items;
    /// Sequences of the holes, sorted: those before a place are counted without a look at the
    /// items.
    std::deque<std::uint64_t> holes;
    void trim();
  };
  Lane& lane(Priority priority, TargetIndex target);
  [[nodiscard]] const Lane* find_lane(Priority priority, TargetIndex target) const;

  std::array<std::vector<Lane>, priority_count> x_lanes;
  std::array<std::size_t, priority_count> x_sizes{};
};

}  // namespace signalbox
