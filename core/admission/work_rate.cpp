#include "core/admission/work_rate.hpp"

#include <algorithm>
#include <limits>

#include "core/base/error.hpp"

namespace signalbox {
namespace {

__extension__ using Wide = __int128;

/// Beyond this a rate has no relation to another any more; its square can be summed size_max times.
constexpr std::int64_t relation_max = std::int64_t{1} << 26;

std::int64_t to_relation(Wide difference, Wide whole) {
  if (whole == 0) return difference == 0 ? 0 : relation_max;
  const Wide parts = difference * rate_unit / whole;
  return static_cast<std::int64_t>(std::clamp<Wide>(parts, -relation_max, relation_max));
}

}  // namespace

std::int64_t relative_difference(const WorkRate& rate, const WorkRate& other) {
  const Wide mine = Wide{rate.work} * other.time;
  const Wide its = Wide{other.work} * rate.time;
  return to_relation(mine > its ? mine - its : its - mine, its);
}

void RateSample::add(std::int64_t work, std::int64_t time) {
  SIGNALBOX_ASSERT(size() < size_max);
  SIGNALBOX_ASSERT(work >= 0 && time >= 0);
  const WorkRate call{std::min(work, work_max), std::clamp<std::int64_t>(time, 1, time_max)};
  x_calls.push_back(call);
  x_sum.work += call.work;
  x_sum.time += call.time;
}

// Of a ratio of sums (Cochran, Sampling Techniques, 2.11): the residuals of the calls from the
// common rate, squared.
std::int64_t RateSample::squared_error() const {
  std::int64_t sum = 0;
  const Wide whole = Wide{x_sum.work} * x_sum.time;
  for (const WorkRate& call : x_calls) {
    const Wide residual = Wide{call.work} * x_sum.time - Wide{x_sum.work} * call.time;
    const std::int64_t share = to_relation(residual, whole);
    sum += share * share;
  }
  return sum;
}

}  // namespace signalbox
