#include "simulations/scenario/random.hpp"

#include "core/base/error.hpp"
#include "core/base/split_mix.hpp"

namespace signalbox::sim {
namespace {

std::uint64_t rotate_left(std::uint64_t value, unsigned count) {
  return (value << count) | (value >> (64U - count));
}

/// @returns floor(fraction / 2^32 * value), without a 128-bit product. @pre fraction < 2^32.
std::uint64_t scale(std::uint64_t fraction, std::uint64_t value) {
  return fraction * (value >> 32U) + ((fraction * (value & 0xFFFFFFFFULL)) >> 32U);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::string_view stream_name) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char letter : stream_name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3ULL;
  }
  std::uint64_t state = seed ^ hash;
  for (auto& word : x_state) word = split_mix(state);
}

std::uint64_t RandomStream::next() {
  const std::uint64_t result = rotate_left(x_state[1] * 5, 7) * 9;
  const std::uint64_t shifted = x_state[1] << 17U;
  x_state[2] ^= x_state[0];
  x_state[3] ^= x_state[1];
  x_state[1] ^= x_state[2];
  x_state[0] ^= x_state[3];
  x_state[2] ^= shifted;
  x_state[3] = rotate_left(x_state[3], 45);
  return result;
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  SIGNALBOX_ASSERT(bound > 0);
  const std::uint64_t unbiased = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = next();
  while (value >= unbiased) value = next();
  return value % bound;
}

// Draw a run of falling numbers; its length is odd with probability e^-x for a first number x. Each
// even run adds one.
Duration RandomStream::exponential(Duration mean) {
  std::uint64_t whole = 0;
  while (true) {
    const std::uint64_t first = next() >> 32U;
    std::uint64_t last = first;
    bool is_odd = true;
    for (std::uint64_t drawn = next() >> 32U; drawn < last; drawn = next() >> 32U) {
      last = drawn;
      is_odd = !is_odd;
    }
    if (is_odd) {
      const auto unit = static_cast<std::uint64_t>(mean.count());
      return Duration{static_cast<std::int64_t>(whole * unit + scale(first, unit))};
    }
    ++whole;
  }
}

}  // namespace signalbox::sim
