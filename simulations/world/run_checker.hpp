// Looks on while a scenario runs, and says when something is not as it must be.
#pragma once

#include <string>

#include "actors/messages/messages.hpp"
#include "simulations/figures/figures.hpp"
#include "simulations/scenario/workload.hpp"
#include "simulations/world/simulated_house.hpp"

namespace signalbox::sim {

/// A call as its client made it.
struct MadeCall {
  actors::CallNumber number = 0;
  TaskId task;
  std::uint32_t client = 0;
  /// Empty = none.
  std::string idempotency_key = {};
  /// Empty = it belongs to none.
  std::string session = {};
};

/// A slot as its client asked for it.
struct AskedSlot {
  actors::CallNumber number = 0;
  SlotId slot;
  std::uint32_t client = 0;
};

class RunChecker {
 public:
  virtual ~RunChecker() = default;

  // What is done to the house; times are since the run's start. @pre they never fall.
  virtual void called(const MadeCall& call, Duration now) = 0;
  virtual void hung_up(actors::CallNumber call, Duration now) = 0;
  virtual void cancelled(actors::CallNumber call, Duration now) = 0;
  virtual void slot_asked(const AskedSlot& slot, Duration now) = 0;
  virtual void slot_renewed(actors::CallNumber call, Duration now) = 0;
  /// It is given back, or cancelled in the line. @param outcome what its holder says of its call.
  virtual void slot_released(actors::CallNumber call, CallStatus outcome, Duration now) = 0;
  /// Its holder's connection is gone.
  virtual void slot_dropped(actors::CallNumber call, Duration now) = 0;
  /// A profile is being changed.
  virtual void configured(const std::string& profile, Duration now) = 0;
  virtual void fault_began(const Fault& fault, Duration now) = 0;
  /// The server of that LLM is handed a call that takes `time` when all goes well. @param fault
  /// null = it does as it should.
  virtual void given(TaskId task, const BackendSpec& server, Duration time, const Fault* fault,
                     Duration now) = 0;
  virtual void started(SimulatedHouse& house, Duration now) = 0;
  virtual void died(Death death, Duration now) = 0;
  /// It starts again: the store has put back what ran, and nothing else has happened yet.
  virtual void recovered(const ObservedStore& store, Duration now) = 0;

  // What it does.
  virtual void committed(const StoreOp& op, const StoreResult& result, Duration now) = 0;
  virtual void refused(const actors::TaskRefused& message, Duration now) = 0;
  virtual void accepted(const actors::TaskAccepted& message, Duration now) = 0;
  virtual void began(const actors::TaskBegan& message, Duration now) = 0;
  virtual void data(const actors::TaskData& message, Duration now) = 0;
  virtual void ended(const actors::TaskEnded& message, Duration now) = 0;
  virtual void slot_admitted(const actors::SlotAdmitted& message, Duration now) = 0;
  virtual void slot_ended(const actors::SlotEnded& message, Duration now) = 0;

  /// Nothing is under way but what a slow disk has to take: rows say less than the house knows.
  virtual void writing(Duration now) = 0;
  /// Nothing is under way; time goes on after this.
  virtual void settled(SimulatedHouse& house, Duration now) = 0;
  /// All faults are over and all calls were made, and time enough has passed. @param open calls
  /// that have not ended all the same.
  virtual void finished(SimulatedHouse& house, const RunFigures& figures, std::size_t open,
                        Duration now) = 0;

  /// Something is not as it must be: the run need not go on.
  [[nodiscard]] virtual bool is_broken() const = 0;
};

}  // namespace signalbox::sim
