// Lower class first, then order of arrival; with two mitigations that are off unless asked for.
#pragma once

#include "core/policies/policy.hpp"

namespace signalbox {

class StrictPolicy final : public Policy {
 public:
  explicit StrictPolicy(const PolicyOptions& options = {})
      : x_reserve{options.reserve_interactive}, x_trickle{options.background_trickle} {}

  /// Classes below interactive share what is not reserved, whoever is in the reserved slots.
  [[nodiscard]] Rooms rooms(const SlotUse& use) const override;
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads, Instant now) const override;
  void granted(std::span<const QueueHead> heads, std::size_t chosen) override;

 private:
  std::uint32_t x_reserve;
  std::uint32_t x_trickle;
  /// Grants to others since the last background call, counted while one could have started.
  std::uint32_t x_passed = 0;
};

}  // namespace signalbox
