#include "simulations/figures/wait_sample.hpp"

#include <algorithm>
#include <bit>

#include "core/base/error.hpp"

namespace signalbox::sim {
namespace {

/// Each power of two is cut into 2^11 buckets of equal width; smaller values have one each.
constexpr unsigned precision_bits = 11;
constexpr std::uint64_t per_octave = 1ULL << precision_bits;
constexpr std::size_t buckets = (64 - precision_bits) * per_octave;

std::size_t bucket_of(Duration wait) {
  const auto value = static_cast<std::uint64_t>(wait.count());
  if (value < per_octave) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - precision_bits - 1;
  return static_cast<std::size_t>(shift * per_octave + (value >> shift));
}

/// The largest value that goes there.
Duration upper_end(std::size_t bucket) {
  if (bucket < 2 * per_octave) return Duration{static_cast<std::int64_t>(bucket)};
  const auto shift = static_cast<unsigned>(bucket / per_octave) - 1;
  const std::uint64_t mantissa = bucket - shift * per_octave;
  return Duration{static_cast<std::int64_t>(((mantissa + 1) << shift) - 1)};
}

}  // namespace

void WaitSample::add(Duration wait) {
  SIGNALBOX_ASSERT(wait >= Duration::zero());
  ++x_count;
  x_max = std::max(x_max, wait);
  if (is_exact() && x_exact.size() == exact_max) fold();
  if (!is_exact()) {
    ++x_buckets[bucket_of(wait)];
    return;
  }
  x_is_sorted = x_is_sorted && (x_exact.empty() || x_exact.back() <= wait);
  x_exact.push_back(wait);
}

void WaitSample::add(const WaitSample& other) {
  if (is_exact() && other.is_exact() && x_count + other.x_count <= exact_max) {
    x_exact.insert(x_exact.end(), other.x_exact.begin(), other.x_exact.end());
    x_is_sorted = x_exact.empty();
  } else {
    if (is_exact()) fold();
    for (const Duration wait : other.x_exact) ++x_buckets[bucket_of(wait)];
    for (std::size_t bucket = 0; bucket < other.x_buckets.size(); ++bucket) {
      x_buckets[bucket] += other.x_buckets[bucket];
    }
  }
  x_count += other.x_count;
  x_max = std::max(x_max, other.x_max);
}

void WaitSample::fold() {
  x_buckets.resize(buckets);
  for (const Duration wait : x_exact) ++x_buckets[bucket_of(wait)];
  x_exact.clear();
  x_exact.shrink_to_fit();
}

Duration WaitSample::quantile(std::uint32_t per_mille) const {
  SIGNALBOX_ASSERT(per_mille >= 1 && per_mille <= 1000);
  if (x_count == 0) return Duration::zero();
  const std::uint64_t rank = (x_count * per_mille + 999) / 1000;
  if (!is_exact()) return quantile_of_buckets(rank);
  if (!x_is_sorted) std::sort(x_exact.begin(), x_exact.end());
  x_is_sorted = true;
  return x_exact[rank - 1];
}

Duration WaitSample::quantile_of_buckets(std::uint64_t rank) const {
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < x_buckets.size(); ++bucket) {
    below += x_buckets[bucket];
    if (below >= rank) return std::min(upper_end(bucket), x_max);
  }
  return x_max;
}

}  // namespace signalbox::sim
