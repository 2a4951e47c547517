// Who watches one task, and what of its stream is kept for those who come late.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::actors {

/// Most bytes of a stream kept for late listeners; of a longer one the latest part is kept, and a
/// late caller is given its answer whole, at the end.
inline constexpr std::size_t held_bytes_max = 1U << 20U;

class Listeners {
 public:
  struct Listener {
    CallNumber call = 0;
    TaskListener handle;
    /// Follows what happens; not a caller.
    bool is_observer = false;
    /// Was given the beginning of the stream, so it gets all of it.
    bool has_begun = false;
  };
  Listener& add(CallNumber call, TaskListener handle, bool is_observer = false);
  /// @returns false when it was not there.
  bool remove(CallNumber call, const TaskListener& handle);

  /// Counts the events of `data`, and keeps it for late listeners.
  /// @returns the number of the first of them.
  std::uint64_t hold(const Bytes& data, std::uint32_t count, bool is_kept);
  /// Forgets what was held: the attempt starts over.
  void forget_held();
  [[nodiscard]] const HeldStream& held() const { return x_held; }
  /// Nothing of the attempt's stream is missing from held().
  [[nodiscard]] bool holds_all() const { return !x_has_gap; }
  [[nodiscard]] bool has_events() const { return x_events > 0; }

  [[nodiscard]] bool empty() const { return x_all.empty(); }
  [[nodiscard]] bool has_callers() const;
  /// Some caller was given a part of the answer.
  [[nodiscard]] bool has_reader() const;
  std::vector<Listener>& all() { return x_all; }

 private:
  std::vector<Listener> x_all;
  HeldStream x_held;
  std::size_t x_held_bytes = 0;
  /// Of the attempt, so far.
  std::uint64_t x_events = 0;
  bool x_has_gap = false;
};

}  // namespace signalbox::actors
