// What a run comes to, in whole numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "core/calls/call_metrics.hpp"
#include "core/calls/call_row.hpp"
#include "simulations/figures/wait_sample.hpp"
#include "simulations/scenario/fault.hpp"

namespace signalbox::sim {

/// Task-nanoseconds: a million tasks that wait for a day are more than 64 bits hold.
__extension__ using TaskTime = __int128;

/// @returns microseconds, rounded down.
std::int64_t to_us(TaskTime time);
inline std::int64_t to_us(Duration time) {
  return time.count() / 1000;
}

/// One class, or all of them.
struct ClassFigures {
  /// Calls made and how they ended, without the warm-up.
  std::uint64_t submitted = 0;
  std::uint64_t done = 0;
  std::uint64_t rejected = 0;
  std::uint64_t queue_timeouts = 0;
  std::uint64_t run_timeouts = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  /// Of those done: how many waited at all, and how long each did.
  std::uint64_t waited = 0;
  WaitSample waits;
  TaskTime done_wait_sum = 0;
  /// Of those done: how many had a slot, and not just the answer to a call that they repeat; the
  /// times that they had one, the time in slots that they left without an end, and the time from
  /// the first slot to the end.
  std::uint64_t had_slot = 0;
  std::uint64_t attempts = 0;
  TaskTime wasted_sum = 0;
  TaskTime finish_sum = 0;

  /// With the warm-up: how long all that queued did so, by the house's own account; and the time
  /// integral of the queue's length, by the store's. They are equal in a run that ends empty.
  TaskTime wait_sum = 0;
  TaskTime queue_integral = 0;

  [[nodiscard]] Duration mean_wait() const;
};

struct ProfileFigures {
  std::string name;
  /// The most it could come to where they were tuned.
  std::uint32_t slots = 0;
  /// In force at the end, where they were tuned.
  std::optional<std::uint32_t> slots_at_end = {};
  /// Time integral of the tasks that held a slot.
  TaskTime busy_integral = 0;
};

/// How often each kind came into force, indexed by FaultKind; of those that calls meet, how many
/// calls did.
using FaultCounts = std::array<std::uint64_t, fault_kind_count>;

struct RunFigures {
  std::string scenario;
  std::uint64_t seed = 0;
  std::array<ClassFigures, priority_count> classes;
  std::vector<ProfileFigures> profiles;
  /// Calls made, the warm-up included, and how many had ended.
  std::uint64_t tasks = 0;
  /// The first call comes after the start; the last task ends here.
  Duration length{};
  /// Of them those that were made before, and how often a client gave up after all its tries.
  std::uint64_t repeats = 0;
  std::uint64_t given_up = 0;
  /// The most that were made again within a second, counted from the start.
  std::uint64_t peak_repeats = 0;
  /// Times that a backend loaded another model.
  std::uint64_t swaps = 0;
  /// Messages that actors handled.
  std::uint64_t messages = 0;
  FaultCounts faults{};
  /// Slots that apps asked for, to make calls themselves, and how they ended, by CallStatus.
  std::uint64_t slots = 0;
  std::array<std::uint64_t, call_status_count> slot_ends{};
  /// Over everything that happened, in order.
  std::uint64_t trace_hash = 0;
  /// What it was after every so many events; empty unless it was asked for.
  std::uint64_t hash_every = 0;
  std::vector<std::uint64_t> block_hashes = {};
};

/// @returns share of its slots' time that was used, in parts of 10,000.
std::uint32_t utilisation(const ProfileFigures& profile, Duration length);

/// The figures as text for people: the same bytes for the same run, anywhere.
std::string print_summary(const RunFigures& figures);

/// @returns a line for each block of events: where two runs part is in the first that differs.
std::string print_blocks(const RunFigures& figures);

/// As CSV with a header line, one line per class.
std::string print_classes(const RunFigures& figures);

}  // namespace signalbox::sim
