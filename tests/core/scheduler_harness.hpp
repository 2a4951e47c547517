// Drives a ProfileScheduler as its actor does (every message is followed by pumping) and compares
// it, after each step, with the oracle and with rules that hold whatever the oracle thinks.
#pragma once

#include <string>
#include <vector>

#include "core/admission/profile_scheduler.hpp"
#include "tests/core/scheduler_model.hpp"

namespace signalbox::test {

/// The scheduler under test, with the clock and the directory that it needs.
class DrivenScheduler {
 public:
  explicit DrivenScheduler(const Scenario& scenario);

  StepOutcome apply(const Op& op);
  [[nodiscard]] const ProfileScheduler& scheduler() const { return x_scheduler; }

 private:
  void pump(StepOutcome& outcome);

  const Scenario* x_scenario;
  ProfileScheduler x_scheduler;
  Instant x_now = Instant{};
  std::uint32_t x_next_lease = 1;
};

/// @returns what is wrong after a step that took `before` to `after`, empty when all is well.
std::string find_fault(const SchedulerModel& before, const SchedulerModel& after,
                       const StepOutcome& outcome, const ProfileScheduler& scheduler);

struct Explored {
  std::size_t sequences = 0;
  std::size_t checked_steps = 0;
  std::size_t applied_ops = 0;
  std::size_t grants = 0;
};

/// Runs every sequence of `depth` operations of the scenario's alphabet that do something; fails
/// the test at the first that goes wrong, showing it.
Explored explore(const Scenario& scenario, std::size_t depth);

}  // namespace signalbox::test
