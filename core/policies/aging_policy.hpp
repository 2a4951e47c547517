// Linear aging (Kleinrock 1964): the one whose weight times waiting time is largest. Inside a class
// that is the order of arrival.
//
// Worst-case wait of a class of weight b, with B the largest weight: once it has waited
// (1 - b/B) of its wait, nobody who comes is served before it. So with at most n others waiting at
// that moment, c slots and calls of at most d each,
//
//   wait <= B/b * ceil((n + 1) / c) * d,
//
// whatever the load.
#pragma once

#include "core/policies/policy.hpp"

namespace signalbox {

class AgingPolicy final : public Policy {
 public:
  explicit AgingPolicy(const PolicyOptions& options) : x_weights{options.aging_weights} {}

  [[nodiscard]] PolicyTraits traits() const override { return {.reads_waiters = true}; }
  /// Ties go to the lower class, then to the earlier.
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads, Instant now) const override;

 private:
  std::array<std::uint32_t, priority_count> x_weights;
};

}  // namespace signalbox
