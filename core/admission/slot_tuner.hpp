// Finds how many slots a server should have while it works: what its calls get done beside each
// other is measured, and the number of slots follows (slot_search.hpp). Pure.
//
// A call says something about a number of slots when it was begun under it and ran with nearly all
// of them in use; its work by its share of the server is then what the server gets done. So an idle
// line says nothing, and leads to nothing. Work is tokens as soon as the backend counts any, else
// calls. A call that failed or was stopped took its time and did what it did, mostly nothing:
// else a server on which all calls run out of time would look like one that nobody uses.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/admission/slot_search.hpp"
#include "core/admission/work_rate.hpp"
#include "core/base/ids.hpp"
#include "core/base/time.hpp"
#include "core/base/token_usage.hpp"

namespace signalbox {

/// What a call came to that had a slot.
struct RunUsage {
  /// As far as its backend said.
  TokenUsage tokens = {};
  /// It came to the end it was to come to.
  bool is_done = false;
};

class SlotTuner {
 public:
  /// @param in_flight calls that have a slot already; nothing is learned from them.
  SlotTuner(SlotBounds bounds, std::uint32_t start, std::uint32_t in_flight);

  /// In force now. More may be in use: then it drains.
  [[nodiscard]] std::uint32_t slots() const { return x_search.slots(); }

  /// It has got a slot.
  void began(TaskId id, Instant now);
  /// It has given its slot back; the slots may be others then. @param usage unset = it goes back
  /// into the line and says nothing.
  void ended(TaskId id, Instant now, const std::optional<RunUsage>& usage);

 private:
  struct Run {
    Instant began_at{};
    /// x_integral then.
    std::uint64_t integral = 0;
    /// x_slots_number then.
    std::uint64_t slots_number = 0;
  };
  void advance(Instant now);
  void count(const Run& run, Instant now, const RunUsage& usage);
  /// @returns its work, or nothing when it cannot be told in the unit in force.
  std::optional<std::int64_t> work_of(const RunUsage& usage);
  void begin_round();
  void conclude();

  SlotSearch x_search;
  /// Looked up by id, never iterated. At most as many as were ever in slots at once.
  std::unordered_map<TaskId, Run> x_runs;
  std::uint32_t x_in_flight;
  Instant x_advanced_to{};
  /// Of the calls in slots over time, in ns. It wraps; differences are right.
  std::uint64_t x_integral = 0;
  /// Rises whenever the slots change.
  std::uint64_t x_slots_number = 0;
  bool x_counts_tokens = false;
  RateSample x_sample;
  /// Calls of this round that did not meet full slots.
  std::size_t x_idle_calls = 0;
};

}  // namespace signalbox
