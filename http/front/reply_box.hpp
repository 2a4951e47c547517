// The bridge between one HTTP request's thread and the actor world: the front actor puts in what it
// is told, the thread takes it out, with a deadline.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <variant>

#include "actors/messages/messages.hpp"

namespace signalbox::http {

/// The client is gone, or too slow.
struct HungUp {};

/// Events of the live stream, shared by all who get them.
struct EventText {
  Bytes text;
};

/// What may arrive. Error = the question could not be answered.
using Arrival =
    std::variant<actors::TaskRefused, actors::TaskAccepted, actors::TaskBegan, actors::TaskData,
                 actors::TaskMoved, actors::TaskReset, actors::TaskEnded, actors::ChannelOpened,
                 actors::WorkerFrame, actors::ChannelClosed, actors::ProfileStatus,
                 actors::ProfileList, actors::LlmList, actors::PoolList, actors::CallPage,
                 actors::Positions, actors::AgentAnswer, actors::AgentList, actors::SlotWaiting,
                 actors::SlotAdmitted, actors::SlotEnded, actors::SlotAnswer, actors::SessionAnswer,
                 actors::WorkerReply, actors::WorkerList, actors::PushAnswer, actors::Done,
                 actors::Figures, EventText, Error, HungUp>;

/// Most bytes of a stream that wait for a slow reader before it is dropped.
inline constexpr std::size_t stream_unread_bytes_max = 4U << 20U;
/// The same for a worker's channel, where a request body counts.
inline constexpr std::size_t channel_unread_bytes_max = 64U << 20U;
/// For readers that look at every arrival at once and keep none; the bytes are shared.
inline constexpr std::size_t any_unread_bytes = std::numeric_limits<std::size_t>::max();

class ReplyBox {
 public:
  using Clock = std::chrono::steady_clock;

  explicit ReplyBox(std::size_t unread_bytes_max = stream_unread_bytes_max)
      : x_unread_bytes_max{unread_bytes_max} {}

  /// Whatever its size, an arrival that finds nothing unread is taken.
  /// @returns false when the reader is too slow: the arrival was dropped, and HungUp is next for
  /// it.
  bool put(Arrival arrival);

  /// @returns the next arrival, or nothing at `deadline`.
  std::optional<Arrival> take(Clock::time_point deadline);
  /// @returns what has arrived already, or nothing.
  std::optional<Arrival> take_if_any();

 private:
  /// @pre x_mutex is held, and there is one.
  Arrival take_first();

  std::mutex x_mutex;
  std::condition_variable x_has_arrival;
  std::deque<Arrival> x_arrivals;
  const std::size_t x_unread_bytes_max;
  std::size_t x_unread_bytes = 0;
};

}  // namespace signalbox::http
