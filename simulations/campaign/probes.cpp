#include "simulations/campaign/probes.hpp"

namespace signalbox::sim {

std::string_view describe(Probe probe) {
  switch (probe) {
    case Probe::timeout_met_completion:
      return "timeout and completion at one instant";
    case Probe::cancel_raced_dispatch:
      return "cancel raced dispatch";
    case Probe::cancel_after_end:
      return "cancel of a task that had ended";
    case Probe::crash_with_running_tasks:
      return "crash with running tasks";
    case Probe::crash_before_commit:
      return "crash between append and sync";
    case Probe::crash_after_commit:
      return "crash between sync and answer";
    case Probe::survived_two_crashes:
      return "task survived two crashes";
    case Probe::lost_and_run_again:
      return "task lost its server and was completed";
    case Probe::lost_too_often:
      return "task lost its server too often";
    case Probe::retry_after_refusal:
      return "retry after refusal";
    case Probe::retry_after_status:
      return "retry after a status";
    case Probe::cut_after_first_byte:
      return "stream cut after its first byte";
    case Probe::completion_after_abort:
      return "completion after an abort";
    case Probe::hang_up_in_line:
      return "caller hung up in line";
    case Probe::hang_up_mid_stream:
      return "caller hung up in mid-stream";
    case Probe::duplicate_crossed_first:
      return "duplicate crossed its first call";
    case Probe::duplicate_met_waiting:
      return "duplicate met a waiting task";
    case Probe::duplicate_met_running:
      return "duplicate met a running task";
    case Probe::duplicate_met_ended:
      return "duplicate met a task that had ended";
    case Probe::queue_full:
      return "refused at the bound";
    case Probe::queue_timeout:
      return "queue budget ran out";
    case Probe::run_timeout:
      return "inference budget ran out";
    case Probe::slots_below_running:
      return "fewer slots than running tasks";
    case Probe::policy_changed_under_line:
      return "policy changed with a line";
    case Probe::lease_for_nobody:
      return "lease came back for nobody";
    case Probe::insert_not_stored:
      return "disk refused a new task";
    case Probe::end_not_stored:
      return "disk refused an end";
    case Probe::collected:
      return "old task collected";
    case Probe::expired_in_backlog:
      return "task expired in the backlog";
    case Probe::preempted:
      return "task sent back for an interactive call";
    case Probe::preempted_and_run_again:
      return "task sent back and was completed";
    case Probe::session_waited_for_home:
      return "session waited for its backend";
    case Probe::session_left_home:
      return "session left its backend";
    case Probe::session_kept_after_fault:
      return "session kept its backend after a fault";
    case Probe::slot_given_back:
      return "app gave its slot back";
    case Probe::slot_renewed:
      return "app renewed its slot";
    case Probe::slot_lapsed:
      return "slot lapsed that nobody renewed";
    case Probe::slot_holder_died:
      return "app died with its slot";
    case Probe::slot_left_in_line:
      return "app hung up in line";
    case Probe::slot_cancelled_in_line:
      return "slot cancelled in line";
    case Probe::slot_refused:
      return "app refused at the bound";
    case Probe::slot_waited_in_vain:
      return "app's queue budget ran out";
    case Probe::slot_taken_back:
      return "slot taken back at the end of its budget";
    case Probe::slot_lost_in_crash:
      return "slot lost in a crash";
    case Probe::worker_lost_task:
      return "task came back from a worker that went away";
    case Probe::worker_woke:
      return "task ran at a worker that had slept";
    case Probe::refused_while_draining:
      return "call refused while the broker drains";
    case Probe::stopped_in_good_order:
      return "broker stopped in good order";
    case Probe::shelved_and_run_again:
      return "task put back by a stop and was completed";
    case Probe::model_swapped:
      return "task ran where another model had been loaded";
  }
  return {};
}

}  // namespace signalbox::sim
