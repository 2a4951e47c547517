// What came of tasks that ended a moment ago, for readers who come a little late: whoever submits a
// quick task and then asks for its stream shall get the stream it had.
#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>

#include "actors/messages/messages.hpp"

namespace signalbox::actors {

class RecentStreams {
 public:
  static constexpr std::size_t tasks_max = 1024;
  static constexpr std::size_t bytes_max = std::size_t{16} * 1024 * 1024;

  /// The oldest make room. Nothing is kept of an empty stream.
  void keep(TaskId task, HeldStream stream);
  /// @returns null when it is not known, or no more.
  [[nodiscard]] const HeldStream* find(TaskId task) const;

  [[nodiscard]] std::size_t count() const { return x_streams.size(); }
  [[nodiscard]] std::size_t bytes() const { return x_bytes; }

 private:
  void forget_oldest();

  std::unordered_map<TaskId, HeldStream> x_streams;
  /// Oldest first.
  std::deque<TaskId> x_order;
  std::size_t x_bytes = 0;
};

}  // namespace signalbox::actors
