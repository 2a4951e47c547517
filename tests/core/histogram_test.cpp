// Goal: durations land in the bucket whose bound they do not exceed, and sums and counts hold
// whatever comes. Method: values at, below and above the bounds, and values that are no durations.
#include "core/calls/histogram.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <limits>

namespace signalbox {
namespace {

constexpr std::array bounds{0.1, 1.0, 10.0};

std::vector<std::uint64_t> counts_of(const Histogram& histogram) {
  return {histogram.counts().begin(), histogram.counts().end()};
}

}  // namespace

TEST_CASE("histogram: a bound belongs to its bucket", "[core][histogram]") {
  Histogram histogram{bounds};
  for (const double seconds : {0.05, 0.1, 0.11, 1.0, 10.0, 10.5}) histogram.observe(seconds);
  CHECK(counts_of(histogram) == std::vector<std::uint64_t>{2, 2, 1});
  CHECK(histogram.count() == 6);
  CHECK(histogram.sum() == Approx(21.76));
}

TEST_CASE("histogram: what is no duration counts as zero", "[core][histogram]") {
  Histogram histogram{bounds};
  histogram.observe(-3);
  histogram.observe(std::numeric_limits<double>::quiet_NaN());
  CHECK(counts_of(histogram) == std::vector<std::uint64_t>{2, 0, 0});
  CHECK(histogram.sum() == 0);
}

}  // namespace signalbox
