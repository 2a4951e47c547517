// Rare paths that a campaign must have taken, counted by looking on: one that never took them has
// proved little.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace signalbox::sim {

enum class Probe : std::uint8_t {
  timeout_met_completion,
  cancel_raced_dispatch,
  cancel_after_end,
  crash_with_running_tasks,
  crash_before_commit,
  crash_after_commit,
  survived_two_crashes,
  lost_and_run_again,
  lost_too_often,
  retry_after_refusal,
  retry_after_status,
  cut_after_first_byte,
  completion_after_abort,
  hang_up_in_line,
  hang_up_mid_stream,
  duplicate_crossed_first,
  duplicate_met_waiting,
  duplicate_met_running,
  duplicate_met_ended,
  queue_full,
  queue_timeout,
  run_timeout,
  slots_below_running,
  policy_changed_under_line,
  lease_for_nobody,
  insert_not_stored,
  end_not_stored,
  collected,
  expired_in_backlog,
  preempted,
  preempted_and_run_again,
  session_waited_for_home,
  session_left_home,
  session_kept_after_fault,
  slot_given_back,
  slot_renewed,
  slot_lapsed,
  slot_holder_died,
  slot_left_in_line,
  slot_cancelled_in_line,
  slot_refused,
  slot_waited_in_vain,
  slot_taken_back,
  slot_lost_in_crash,
  worker_lost_task,
  worker_woke,
  refused_while_draining,
  stopped_in_good_order,
  shelved_and_run_again,
  model_swapped,
};
inline constexpr std::size_t probe_count = 50;

using ProbeCounts = std::array<std::uint64_t, probe_count>;

/// @returns what it is, for people.
std::string_view describe(Probe probe);

}  // namespace signalbox::sim
