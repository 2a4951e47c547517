// One run of a scenario: a house, what is done to it, and who watches. Its driving is in
// scenario_run.cpp, what the house tells it in scenario_run_witness.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "simulations/scenario/workload.hpp"
#include "simulations/world/agenda.hpp"
#include "simulations/world/fault_player.hpp"
#include "simulations/world/retries.hpp"
#include "simulations/world/run.hpp"
#include "simulations/world/server_work.hpp"
#include "simulations/world/simulated_house.hpp"
#include "simulations/world/slot_holders.hpp"
#include "simulations/world/waiting_users.hpp"

namespace signalbox::sim {

class ScenarioRun final : HouseWitness {
 public:
  ScenarioRun(const Scenario& scenario, const RunOptions& options);

  /// Once only.
  Result<RunFigures> drive(Workload& workload);

 private:
  struct Call {
    TaskId task;
    Arrival arrival;
    std::string key;
  };

  Result<void> make_calls();
  /// Makes the calls that are due by now: the first of them, or all where they cross.
  Result<void> make_due_calls();
  Result<void> drain();
  /// Who has not ended by then has nobody to run him.
  [[nodiscard]] Duration drain_limit() const;
  void rest();
  /// @returns false when it stopped before: the process died, or something else is due by now.
  bool advance(Duration until);
  /// Everything that is due by now.
  void act();
  void act(AgendaItem item);
  void play_fault(AgendaItem item);
  void call(const Arrival& arrival, std::string key);
  void call_first(const Arrival& arrival);
  /// The client has no answer: it calls again if it ever does.
  void call_failed(actors::CallNumber call, const Error& error, Duration at);
  /// Nobody waits for that call any more: the user who did thinks about his next one.
  void let_think(actors::CallNumber call);
  void restart();
  void settle();
  /// Asks the house, which has done all it had to do by then.
  void note_tuned_slots(RunFigures& figures);
  /// The id that a call was made under.
  [[nodiscard]] TaskId id_of(actors::CallNumber call, const actors::CallFacts& facts) const;
  /// Calls and slots that have not ended.
  [[nodiscard]] std::size_t open() const { return x_recorder.open() + x_slots.open(); }
  [[nodiscard]] bool is_broken() const { return x_checker != nullptr && x_checker->is_broken(); }
  [[nodiscard]] Duration now() const { return x_house.now(); }
  /// @returns when the next call is made; nothing when all are, or users wait for answers.
  [[nodiscard]] std::optional<Duration> next_call_at() const {
    return x_workload == nullptr ? std::nullopt : x_workload->next_at();
  }
  /// @returns when something is to be done: a call, or what is on the agenda.
  [[nodiscard]] std::optional<Duration> next_due() const;

  void committed(const StoreOp& op, const StoreResult& result) override;
  void refused(const actors::TaskRefused& message) override;
  void accepted(const actors::TaskAccepted& message) override;
  void began(const actors::TaskBegan& message) override;
  void data(const actors::TaskData& message) override;
  void ended(const actors::TaskEnded& message) override;
  void slot_admitted(const actors::SlotAdmitted& message) override;
  void slot_ended(const actors::SlotEnded& message) override;
  actors::Playback play(const BackendSpec& backend, const BackendCall& call) override;
  void died(Death death) override;
  void recovered(const ObservedStore& store) override;

  const Scenario& x_scenario;
  std::uint64_t x_seed;
  RunChecker* x_checker;
  Recorder x_recorder;
  FaultPlayer x_faults;
  Retries x_retries;
  WaitingUsers x_users;
  Agenda x_agenda;
  /// Null while no calls are made.
  Workload* x_workload = nullptr;
  /// The calls of a house that keeps its tasks; others' clients do nothing about them.
  std::unordered_map<actors::CallNumber, Call> x_calls;
  /// By backend.
  std::map<std::string, ServerWork> x_works;
  actors::CallNumber x_last_call = 0;
  /// Calls at one moment are made before anybody has run, so that they cross.
  bool x_is_shuffled;
  /// It tells the others what happens.
  SimulatedHouse x_house;
  SlotHolders x_slots;
};

}  // namespace signalbox::sim
