#include "core/admission/slot_tuner.hpp"

#include <algorithm>

#include "core/base/error.hpp"

namespace signalbox {
namespace {

__extension__ using Wide = __int128;

/// A measurement has at least as many calls, and one for each slot; it is looked at after as many.
constexpr std::size_t calls_min = 8;
/// A round in which so many times as many calls met idle slots as are needed at least says nothing.
constexpr std::size_t idle_times = 4;
/// Of a probe that is better or worse by so many standard errors no more need be known.
constexpr std::int64_t clear_errors = 3;
/// An answer's token is worth as many of a prompt's, which are read all at once.
constexpr std::int64_t prompt_tokens_per_token = 16;
/// Times are counted in units of 64 ns, so that a day fits into a sample.
constexpr std::int64_t time_unit_ns = 64;

}  // namespace

SlotTuner::SlotTuner(SlotBounds bounds, std::uint32_t start, std::uint32_t in_flight)
    : x_search{bounds, start}, x_in_flight{in_flight} {}

void SlotTuner::advance(Instant now) {
  const auto passed = static_cast<std::uint64_t>((now - x_advanced_to).count());
  x_integral += passed * x_in_flight;
  x_advanced_to = now;
}

void SlotTuner::began(TaskId id, Instant now) {
  advance(now);
  ++x_in_flight;
  x_runs.insert_or_assign(id, Run{now, x_integral, x_slots_number});
}

void SlotTuner::ended(TaskId id, Instant now, const std::optional<RunUsage>& usage) {
  SIGNALBOX_ASSERT(x_in_flight > 0);
  advance(now);
  --x_in_flight;
  const auto place = x_runs.find(id);
  if (place == x_runs.end()) return;
  const Run run = place->second;
  x_runs.erase(place);
  if (usage && run.slots_number == x_slots_number) count(run, now, *usage);
}

// The first count of tokens makes what was counted in calls worthless.
std::optional<std::int64_t> SlotTuner::work_of(const RunUsage& usage) {
  const bool has_tokens = usage.tokens.in || usage.tokens.out;
  if (has_tokens && usage.is_done && !x_counts_tokens) {
    x_counts_tokens = true;
    begin_round();
  }
  if (!x_counts_tokens) return usage.is_done ? 1 : 0;
  if (usage.is_done && !has_tokens) return std::nullopt;
  return prompt_tokens_per_token * usage.tokens.out.value_or(0) + usage.tokens.in.value_or(0);
}

void SlotTuner::count(const Run& run, Instant now, const RunUsage& usage) {
  const std::int64_t time = (now - run.began_at).count();
  if (time <= 0) return;
  const auto work = work_of(usage);
  if (!work) return;
  // It had one part of the server in so many as ran beside it.
  const auto beside = static_cast<std::int64_t>(x_integral - run.integral);
  const bool is_full = Wide{beside} * 20 >= Wide{time} * slots() * 19;
  if (is_full) {
    x_sample.add(*work, static_cast<std::int64_t>(Wide{time} * time / beside) / time_unit_ns);
  } else {
    ++x_idle_calls;
  }
  conclude();
}

void SlotTuner::begin_round() {
  x_sample.clear();
  x_idle_calls = 0;
}

void SlotTuner::conclude() {
  const std::size_t least = std::clamp<std::size_t>(slots(), calls_min, RateSample::size_max);
  const std::uint32_t before = slots();
  if (x_idle_calls >= idle_times * least) {
    x_search.give_up();
    begin_round();
  } else if (x_sample.size() >= least && x_sample.size() % calls_min == 0) {
    const std::int64_t error = x_search.error_wanted();
    const std::int64_t squared_error = x_sample.squared_error();
    bool is_known = squared_error <= error * error || x_sample.size() == RateSample::size_max;
    if (const auto beat = x_search.rate_to_beat(); beat && !is_known) {
      const std::int64_t difference = relative_difference(*beat, x_sample.rate());
      is_known = Wide{difference} * difference > Wide{clear_errors * clear_errors} * squared_error;
    }
    if (!is_known) return;
    x_search.measured(x_sample.rate());
    begin_round();
  }
  if (slots() != before) ++x_slots_number;
}

}  // namespace signalbox
