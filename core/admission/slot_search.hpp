// Looks for the number of slots at which a server gets most done, by trying one number at a time
// while calls go on. Pure; it is told what a number has come to and says which is to be next.
//
//   best ──▶ probe best ± step ──better──▶ best = probe, step doubled, same direction
//    ▲           │ not better: other side; both sides: step halved; step 1: done
//    └── rest ◀──┘        rests double while nothing better is found, up to 64 measurements; a best
//                         that has changed by an eighth ends the rest and is searched around anew
//
// Fewer slots are worth something, since calls that wait here keep their order and those at a
// server do not: twice the slots must bring more than a sixteenth more work.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "core/admission/profile_settings.hpp"
#include "core/admission/work_rate.hpp"

namespace signalbox {

class SlotSearch {
 public:
  /// Begins at `start`, or at the bound next to it.
  SlotSearch(SlotBounds bounds, std::uint32_t start);

  /// To be in force now.
  [[nodiscard]] std::uint32_t slots() const { return x_slots; }
  [[nodiscard]] bool is_probing() const { return x_slots != x_best; }
  /// How exactly the rate at slots() should be known. Unit: 1/rate_unit of the rate.
  [[nodiscard]] std::int64_t error_wanted() const;
  /// While probing: the probe is better from this rate on, of `work` units of work. @returns
  /// nothing otherwise.
  [[nodiscard]] std::optional<WorkRate> rate_to_beat() const;

  /// What slots() have come to while all of them were in use.
  void measured(const WorkRate& rate);
  /// The probe was not needed: it goes back.
  void give_up();

 private:
  static constexpr std::uint32_t rest_max = 64;

  void begin(std::uint32_t step);
  /// On to the next number that is not known yet, or to rest.
  void look_on();
  void fail();
  void rest();
  [[nodiscard]] std::uint32_t candidate() const;

  SlotBounds x_bounds;
  std::uint32_t x_slots;
  std::uint32_t x_best;
  /// Since the best was measured last.
  WorkRate x_best_rate;
  /// Range: 1..x_best. No step more than doubles the slots or leaves fewer than half of them.
  std::uint32_t x_step;
  bool x_goes_up = true;
  /// The other side of the best is worse, or out of bounds.
  bool x_is_other_worse = false;
  /// Measured in this search.
  std::set<std::uint32_t> x_known;
  /// Measurements of the best until the next search.
  std::uint32_t x_rest_left = 0;
  std::uint32_t x_rest_length = 1;
};

}  // namespace signalbox
