// Laws that sizes and times are drawn from, in whole numbers only: the same draws with any compiler
// and any maths library.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/time.hpp"
#include "simulations/scenario/random.hpp"

namespace signalbox::sim {

enum class LawKind : std::uint8_t {
  /// Always `low`.
  constant,
  /// Any whole number from `low` to `high`, both included.
  uniform,
  /// Memoryless with mean `low`.
  exponential,
};

/// Whole numbers of one unit: tokens, or nanoseconds.
struct Law {
  LawKind kind = LawKind::constant;
  std::int64_t low = 0;
  std::int64_t high = 0;

  [[nodiscard]] std::int64_t draw(RandomStream& random) const;

  friend bool operator==(const Law&, const Law&) = default;
};

/// What a call is to a backend.
struct CallSize {
  std::uint32_t tokens_in = 0;
  std::uint32_t tokens_out = 0;
  /// What its caller says of tokens_out, if it says anything.
  std::uint32_t declared_out = 0;
  /// Seed of the call's own service draw: whichever backend runs it, under whichever policy, it
  /// takes as long.
  std::uint64_t service_seed = 0;
  /// Of a recorded call: how long it took. Then no law is asked.
  std::optional<Duration> service = {};
};

/// How long a backend takes for a call: `base`, and a time per token of either side.
struct ServiceLaw {
  /// Unit: ns.
  Law base;
  Duration per_token_in{};
  Duration per_token_out{};

  [[nodiscard]] Duration draw(const CallSize& size) const;

  friend bool operator==(const ServiceLaw&, const ServiceLaw&) = default;
};

}  // namespace signalbox::sim
