// Calls for the model that a backend has loaded go before others of their class, so that it loads
// another one less often. Who has waited for `max_bypass_s` is passed for that no more.
#pragma once

#include "core/policies/policy.hpp"

namespace signalbox {

class SwapPolicy final : public Policy {
 public:
  explicit SwapPolicy(const PolicyOptions& options)
      : x_max_bypass{from_seconds(options.swap_max_bypass_s)} {}

  [[nodiscard]] PolicyTraits traits() const override {
    return {.reads_waiters = true, .heeds_loaded = true};
  }
  [[nodiscard]] std::size_t pick(std::span<const QueueHead> heads, Instant now) const override;

 private:
  Duration x_max_bypass;
};

}  // namespace signalbox
