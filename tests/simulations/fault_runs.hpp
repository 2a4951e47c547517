// One call at 0.5 s to a server that takes a second, runs of it with faults, and what they come to.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <ostream>
#include <vector>

#include "simulations/campaign/campaign.hpp"
#include "simulations/world/run.hpp"

namespace signalbox::testing {

class Ends final : public sim::RunObserver {
 public:
  void ended(const sim::EndedTask& task) override { all.push_back(task); }
  void sampled(std::uint64_t, const sim::LineState&) override {}
  std::vector<sim::EndedTask> all;
};

sim::Scenario one_call();

struct Outcome {
  CallStatus status = CallStatus::ok;
  Duration at{};
  std::uint64_t times = 0;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

/// What becomes of the only call.
Outcome run_with(const sim::Fault& fault, const sim::Scenario& usual = one_call());

/// Of a client whose calls come at these times.
std::shared_ptr<const std::vector<sim::TraceRow>> rows_at(const std::vector<Duration>& times);

/// The four below: of each call, in the order they were made.
std::vector<sim::EndedTask> run_all(const sim::Scenario& scenario);
std::vector<Duration> ends_of(const sim::Scenario& scenario);
/// As the store shows them.
std::vector<Duration> starts_of(const sim::Scenario& scenario);
std::vector<CallStatus> statuses_of(const sim::Scenario& scenario);

}  // namespace signalbox::testing
