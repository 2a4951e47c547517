#include "simulations/campaign/shrink_dial.hpp"

#include <array>

namespace signalbox::sim {
namespace {

constexpr std::array<std::int64_t, 6> units{1'000'000'000, 100'000'000, 10'000'000,
                                            1'000'000,     1'000,       1};

bool attempt(Shrinking& shrinking, const Dial& dial, std::int64_t value) {
  Scenario candidate = shrinking.best();
  dial.set(candidate, value);
  return shrinking.attempt(candidate);
}

/// Finds the smallest multiple of `unit` that fails, taking it that all above it do. @returns
/// whether the dial stands at a multiple now.
bool lower_to_multiple(Shrinking& shrinking, const Dial& dial, std::int64_t unit) {
  const std::int64_t value = dial.get(shrinking.best());
  std::int64_t high = value / unit;
  const bool is_there = high * unit == value;
  if (high * unit <= dial.floor) return false;
  if (!is_there && !attempt(shrinking, dial, high * unit)) return false;
  // Known not to fail.
  std::int64_t low = dial.floor / unit;
  while (high - low > 1 && !shrinking.is_over()) {
    const std::int64_t middle = low + (high - low) / 2;
    (attempt(shrinking, dial, middle * unit) ? high : low) = middle;
  }
  return true;
}

}  // namespace

void turn_down(Shrinking& shrinking, const Dial& dial) {
  if (dial.get(shrinking.best()) <= dial.floor || attempt(shrinking, dial, dial.floor)) return;
  if (!dial.is_time) {
    lower_to_multiple(shrinking, dial, 1);
    return;
  }
  for (const std::int64_t unit : units) {
    if (shrinking.is_over() || lower_to_multiple(shrinking, dial, unit)) return;
  }
}

}  // namespace signalbox::sim
