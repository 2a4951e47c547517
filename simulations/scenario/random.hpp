// Random numbers that are the same everywhere: own generator, own samplers, integers only, so that
// no compiler or maths library can change a draw. One stream per name, so that a new consumer never
// shifts another's numbers.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/time.hpp"

namespace signalbox::sim {

/// xoshiro256** 1.0 (public domain, D. Blackman and S. Vigna), seeded by splitmix64 of (seed,
/// stream name).
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view stream_name);

  std::uint64_t next();
  /// Uniform in 0..bound-1, without bias. @pre bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Exponential with that mean, by von Neumann's comparisons (no logarithm). Resolution: mean /
  /// 2^32.
  Duration exponential(Duration mean);

 private:
  std::array<std::uint64_t, 4> x_state{};
};

}  // namespace signalbox::sim
