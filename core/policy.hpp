// Which waiter is granted next. A policy is a pure object: it sees the heads of the queues and
// nothing else, no clock and no sizes of answers to come.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/priority.hpp"
#include "core/wait_queue.hpp"

namespace signalbox {

/// The longest waiting of one class and one target.
struct QueueHead {
  Priority priority = Priority::workflow;
  TargetIndex target = 0;
  /// Rises with every enqueue of the profile.
  std::uint64_t sequence = 0;
};

class Policy {
 public:
  virtual ~Policy() = default;
  /// @returns the index in `heads` of the one to grant. @pre `heads` is not empty.
  [[nodiscard]] virtual std::size_t pick(std::span<const QueueHead> heads) const = 0;
};

/// Lower class first, then enqueue order.
class StrictPolicy final : public Policy {
 public:
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads) const override;
};

/// @pre `name` passed check(ProfileSettings).
std::unique_ptr<Policy> make_policy(std::string_view name);

}  // namespace signalbox
