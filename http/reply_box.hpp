// The bridge between one HTTP request's thread and the actor world: the front actor puts in what it
// is told, the thread takes it out, with a deadline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <variant>

#include "actors/messages.hpp"

namespace signalbox::http {

/// The client is gone, or too slow.
struct HungUp {};

/// What may arrive. Error = the question could not be answered.
using Arrival =
    std::variant<actors::TaskRefused, actors::TaskAccepted, actors::TaskBegan, actors::TaskData,
                 actors::TaskEnded, actors::ProfileStatus, actors::ProfileList, actors::LlmList,
                 actors::CallPage, actors::Positions, actors::Done, Error, HungUp>;

/// Most bytes of a stream that wait for a slow reader before it is dropped.
inline constexpr std::size_t unread_bytes_max = 4U << 20U;

class ReplyBox {
 public:
  using Clock = std::chrono::steady_clock;

  /// @returns false when the reader is too slow: the arrival was dropped, and HungUp is next for
  /// it.
  bool put(Arrival arrival);

  /// @returns the next arrival, or nothing at `deadline`.
  std::optional<Arrival> take(Clock::time_point deadline);

 private:
  std::mutex x_mutex;
  std::condition_variable x_has_arrival;
  std::deque<Arrival> x_arrivals;
  std::size_t x_unread_bytes = 0;
};

}  // namespace signalbox::http
