#include "core/admission/slot_search.hpp"

#include <algorithm>

namespace signalbox {
namespace {

/// Of the rate: a search is as exact as its steps are small, between these.
constexpr std::int64_t error_least = rate_unit / 50;
constexpr std::int64_t error_most = rate_unit / 8;

/// A best that differs by more from what it was is another server.
constexpr std::int64_t change_noticed = rate_unit / 8;

/// One slot more or less is worth an eighth of its share of the slots.
constexpr std::int64_t worth = 8;

__extension__ using Wide = __int128;

bool is_less(const WorkRate& rate, const WorkRate& other) {
  return Wide{rate.work} * other.time < Wide{other.work} * rate.time;
}

}  // namespace

SlotSearch::SlotSearch(SlotBounds bounds, std::uint32_t start)
    : x_bounds{bounds},
      x_slots{std::clamp(start, bounds.min, bounds.max)},
      x_best{x_slots},
      x_step{x_slots} {}

std::int64_t SlotSearch::error_wanted() const {
  const std::int64_t step = x_rest_left > 0 ? 1 : x_step;
  return std::clamp(rate_unit * step / (worth * x_best), error_least, error_most);
}

// Up: the gain is more than an eighth of the share that is added of the whole. Down: the loss is at
// most an eighth of what is left out, so where nothing is done at all fewer is better. What is
// better one way is worse the other way round.
std::optional<WorkRate> SlotSearch::rate_to_beat() const {
  if (!is_probing()) return std::nullopt;
  const std::int64_t most = worth * std::max(x_slots, x_best);
  const std::int64_t difference = most / worth - std::min(x_slots, x_best);
  WorkRate beat = x_best_rate;
  beat.work *= x_slots > x_best ? most : most - difference;
  beat.time *= x_slots > x_best ? most - difference : most;
  return beat;
}

void SlotSearch::begin(std::uint32_t step) {
  x_step = step;
  x_goes_up = true;
  x_is_other_worse = false;
  x_known = {x_best};
  x_rest_left = 0;
}

std::uint32_t SlotSearch::candidate() const {
  if (x_goes_up) return std::min(x_bounds.max, x_best + x_step);
  return std::max(x_bounds.min, x_best - std::min(x_step, x_best / 2));
}

void SlotSearch::rest() {
  x_slots = x_best;
  x_rest_left = x_rest_length;
  x_rest_length = std::min(2 * x_rest_length, rest_max);
}

void SlotSearch::fail() {
  if (!x_is_other_worse) {
    x_is_other_worse = true;
    x_goes_up = !x_goes_up;
    return;
  }
  x_is_other_worse = false;
  x_step /= 2;
}

// What is known is worse than the best: it was the best before, or lost against one that was.
void SlotSearch::look_on() {
  while (x_step > 0) {
    x_slots = candidate();
    if (!x_known.contains(x_slots)) return;
    fail();
  }
  x_step = 1;
  rest();
}

void SlotSearch::measured(const WorkRate& rate) {
  if (!is_probing()) {
    const bool has_changed =
        x_rest_left > 0 && relative_difference(rate, x_best_rate) > change_noticed;
    if (has_changed) {
      x_rest_length = 1;
      begin(std::max(1U, x_best / 2));
    } else if (x_rest_left > 0) {
      if (--x_rest_left > 0) return;
      begin(1);
    } else {
      begin(x_step);
    }
    x_best_rate = rate;
    look_on();
    return;
  }
  const WorkRate beat = rate_to_beat().value();
  x_known.insert(x_slots);
  const bool is_better = x_slots > x_best ? is_less(beat, rate) : !is_less(rate, beat);
  if (is_better) {
    x_best = x_slots;
    x_best_rate = rate;
    x_step = std::min(2 * x_step, x_best);
    x_is_other_worse = true;
    x_rest_length = 1;
  } else {
    fail();
  }
  look_on();
}

void SlotSearch::give_up() {
  if (is_probing()) rest();
}

}  // namespace signalbox
