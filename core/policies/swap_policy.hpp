// Calls for the model that a backend has loaded go before others of their class, so that it loads
// another one less often. Who has waited for `max_bypass_s` is passed for that no more.
//
// With `hold_s`, a backend whose model nobody wants now does not load another at once: calls for
// that one gather until there are `min_batch` of them or the first has waited so long, and should
// one come for the model at hand meanwhile, nothing has been lost (anticipatory scheduling, Iyer &
// Druschel 2001). Interactive calls are never held back, and nobody of a worse class goes past one
// that is.
#pragma once

#include "core/policies/policy.hpp"

namespace signalbox {

class SwapPolicy final : public Policy {
 public:
  explicit SwapPolicy(const PolicyOptions& options)
      : x_max_bypass{from_seconds(options.swap_max_bypass_s)},
        x_hold{from_seconds(options.swap_hold_s)},
        x_min_batch{options.swap_min_batch} {}

  [[nodiscard]] PolicyTraits traits() const override {
    return {.reads_waiters = true, .heeds_loaded = true, .holds_back = x_hold > Duration::zero()};
  }
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads, Instant now) const override;
  [[nodiscard]] std::optional<Instant> held_until(const QueueHead& head,
                                                  Instant now) const override;

 private:
  [[nodiscard]] bool is_overdue(const QueueHead& head, Instant now) const;

  Duration x_max_bypass;
  Duration x_hold;
  std::uint32_t x_min_batch;
};

}  // namespace signalbox
