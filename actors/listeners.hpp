// Who watches one task, and what of its stream is kept for those who come late.
#pragma once

#include <cstddef>
#include <vector>

#include "actors/messages.hpp"

namespace signalbox::actors {

/// Most bytes of a stream kept for late listeners; a longer one is given to them whole, at its end.
inline constexpr std::size_t held_bytes_max = 1U << 20U;

class Listeners {
 public:
  struct Listener {
    CallNumber call = 0;
    TaskListener handle;
    /// Was given the beginning of the stream, so it gets all of it.
    bool has_begun = false;
  };

  void add(CallNumber call, TaskListener handle) { x_all.push_back({call, std::move(handle)}); }
  /// @returns false when it was not there.
  bool remove(CallNumber call, const TaskListener& handle);

  /// Keeps `data` for late listeners while it fits.
  void hold(const Bytes& data);
  /// Forgets what was held: the attempt starts over.
  void forget_held();
  /// @returns what was held, or null when a late listener cannot be given the whole stream any
  /// more.
  [[nodiscard]] const std::vector<Bytes>* held() const {
    return x_has_overflown ? nullptr : &x_held;
  }

  [[nodiscard]] bool empty() const { return x_all.empty(); }
  [[nodiscard]] bool has_reader() const;
  std::vector<Listener>& all() { return x_all; }

 private:
  std::vector<Listener> x_all;
  std::vector<Bytes> x_held;
  std::size_t x_held_bytes = 0;
  bool x_has_overflown = false;
};

}  // namespace signalbox::actors
