// Shortest predicted call first inside a class, classes strictly in order. Who has waited for
// `max_bypass_s` is passed by no shorter call any more: those are served in order of arrival.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "core/policies/policy.hpp"

namespace signalbox {

/// What a call is expected to take, in sixteenths of the time of one token out: a token of a prompt
/// is read about that much faster than one of an answer is made.
constexpr std::uint64_t predicted_work(const WaiterView& waiter) {
  return std::uint64_t{waiter.declared.tokens_in} + 16 * std::uint64_t{waiter.predicted_out};
}

class ShortestJobPolicy final : public Policy {
 public:
  explicit ShortestJobPolicy(const PolicyOptions& options)
      : x_max_bypass{from_seconds(options.sjf_max_bypass_s)} {}

  [[nodiscard]] PolicyTraits traits() const override {
    return {.reads_waiters = true, .keeps_order = true, .predicts = true};
  }
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads, Instant now) const override;
  /// Complexity: O(log n), as leave() and first().
  void enter(const Lane& lane, const WaiterView& waiter) override;
  void leave(const Lane& lane, const WaiterView& waiter) override;
  [[nodiscard]] const WaiterView* first(const Lane& lane) const override;

 private:
  /// Predicted work, then arrival.
  using Place = std::pair<std::uint64_t, std::uint64_t>;

  Duration x_max_bypass;
  std::map<Lane, std::map<Place, const WaiterView*>> x_lanes;
};

}  // namespace signalbox
