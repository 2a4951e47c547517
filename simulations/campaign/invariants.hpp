// What must hold in every run, whatever goes wrong in it. Numbered, so that a failure says which:
//
// I1   every call ends in exactly one way
// I2   only legal transitions, three failures at most
// I3   no more tasks in slots than slots
// I4   queues keep their bound, and full means full
// I5   no slot is idle beside a task it could run
// I6   time never goes back
// I7   classes and lines keep their order
// I8   nobody is passed over for longer than the policy's bound
// I9   nobody waits or runs beyond its budget
// I10  what was acknowledged survives; one record a key
// I11  nothing is delivered after the end
// I12  nothing is left over: timers, actors, slots
// I13  metrics and waits agree with what was seen
// I14  when faults stop, everything ends
// I15  the same seed, the same run (the campaign's to check)
// I16  no policy reads a true size (a fact of types: WaiterView has none)
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/calls/call_metrics.hpp"
#include "simulations/campaign/house_model.hpp"
#include "simulations/campaign/probes.hpp"

namespace signalbox::sim {

struct Violation {
  /// 1 is I1.
  int invariant = 0;
  /// Since the run's start.
  Duration at{};
  std::string what;
};

class Invariants final : public RunChecker {
 public:
  /// @param scenario must outlive it.
  /// @param close_looks at each of so many looks the house is asked what it thinks of itself, then
  /// every now and then, and at the end: so what breaks a rule in a long run breaks it in a short
  /// one, too.
  explicit Invariants(const Scenario& scenario, std::uint64_t close_looks = 256);

  /// The first one; nothing when all held.
  [[nodiscard]] const std::optional<Violation>& violation() const { return x_violation; }
  [[nodiscard]] const ProbeCounts& probes() const { return x_probes; }

  void called(const MadeCall& call, Duration now) override;
  void hung_up(actors::CallNumber call, Duration now) override;
  void cancelled(actors::CallNumber call, Duration now) override;
  void slot_asked(const AskedSlot& slot, Duration now) override;
  void slot_renewed(actors::CallNumber call, Duration now) override;
  void slot_released(actors::CallNumber call, CallStatus outcome, Duration now) override;
  void slot_dropped(actors::CallNumber call, Duration now) override;
  void configured(const std::string& profile, Duration now) override;
  void fault_began(const Fault& fault, Duration now) override;
  void given(TaskId task, const BackendSpec& server, Duration time, const Fault* fault,
             Duration now) override;
  void started(SimulatedHouse& house, Duration now) override;
  void died(Death death, Duration now) override;
  void recovered(const ObservedStore& store, Duration now) override;
  void committed(const StoreOp& op, const StoreResult& result, Duration now) override;
  void refused(const actors::TaskRefused& message, Duration now) override;
  void accepted(const actors::TaskAccepted& message, Duration now) override;
  void began(const actors::TaskBegan& message, Duration now) override;
  void data(const actors::TaskData& message, Duration now) override;
  void ended(const actors::TaskEnded& message, Duration now) override;
  void slot_admitted(const actors::SlotAdmitted& message, Duration now) override;
  void slot_ended(const actors::SlotEnded& message, Duration now) override;
  void writing(Duration now) override;
  void settled(SimulatedHouse& house, Duration now) override;
  void finished(SimulatedHouse& house, const RunFigures& figures, std::size_t open,
                Duration now) override;
  [[nodiscard]] bool is_broken() const override { return x_violation.has_value(); }

 private:
  /// Who was passed over by whom, at this moment; may turn out to have been granted, too.
  struct Passed {
    TaskId waits;
    TaskId passes;
    int invariant = 0;
    Duration at{};
  };

  /// Who was told that its class of its profile is full.
  struct Refusal {
    std::string name;
    std::string profile;
    Priority priority = Priority::workflow;
  };

  void require(bool holds, int invariant, const std::string& what);
  void hit(Probe probe) { ++x_probes[static_cast<std::size_t>(probe)]; }
  void pass_time(Duration now);
  void note_key(const MadeCall& call);

  // What callers are told (invariants_calls.cpp).
  /// @returns null, with a violation, when it may be told nothing more.
  CallPicture* hear(actors::CallNumber call, const char* what);
  void answer(CallPicture& call, TaskId task);
  void check_answers();
  /// It was told of `met`, which may be another call's task under its key.
  void meet(const CallPicture& call, TaskId met);

  // Slots of apps (invariants_slots.cpp).
  /// @returns null, with a violation, when it may be told nothing more.
  SlotPicture* hear_slot(actors::CallNumber call, const char* what);
  void check_slot_end(const SlotPicture& slot, const Error& error);
  void leave_slot(const SlotPicture& slot, bool was_in);
  void note_new_slots();
  void check_slots();
  void lose_slots();
  /// A task or a slot, by its turn's id. @pre there is one.
  [[nodiscard]] const TaskPicture& waiter(TaskId id) const;
  [[nodiscard]] bool is_slot(TaskId id) const { return x_slots.contains(id); }

  // Sessions of pools that keep them on one backend (invariants_sessions.cpp).
  /// @returns empty when its pool does not heed it, or it is not known any more.
  [[nodiscard]] std::string session_of(TaskId id, const Task& row) const;
  void note_home(TaskId id, const TaskPicture& claimed);
  /// Nothing is wrong with any server, and nothing is left of what was.
  [[nodiscard]] bool are_servers_sound() const;
  void shake_servers();
  void judge_servers(const std::vector<Llm>& llms);
  /// @returns the LLM that the session's calls go to; empty = nobody can tell from outside.
  [[nodiscard]] std::string home_of(const Task& row, const std::string& session) const;

  // What is committed (invariants_rows.cpp).
  void inserted(const InsertTask& op, const StoreResult& result);
  void moved(const MoveTask& op, const StoreResult& result);
  void deleted(TaskId id);
  void not_stored(TaskId id, bool is_end);
  void enter(TaskId id, TaskPicture& task, TaskState state);
  void leave(TaskId id, const TaskPicture& task);
  /// It has given its slot back.
  void note_freed(ProfilePicture& profile, const TaskPicture& turn) const;
  void check_claim(const MoveTask& op, const TaskPicture& task, const Task& before);
  /// @returns whose room calls of that LLM take.
  [[nodiscard]] const std::string& server_of(const std::string& llm) const;
  /// @returns null when the broker calls that backend itself.
  [[nodiscard]] const WorkerSpec* worker_of(const std::string& backend) const;
  void check_end(TaskId id, TaskPicture& task);
  void check_not_early(const TaskPicture& task);
  void check_rows(const ObservedStore& store);
  void check_shelved();
  void note_passed_over(TaskId id, const TaskPicture& claimed);
  [[nodiscard]] int find_passed_over(const ProfilePicture& profile, const TaskPicture& claimed,
                                     const TaskPicture& waits) const;

  // When nothing is under way (invariants_house.cpp).
  void check_budgets();
  void check_passed_over();
  void check_bounds();
  void check_refusals();
  void check_slots_in_use();
  void check_obeyed();
  void check_house(SimulatedHouse& house);
  void check_work_conserving(const ProfilePicture& profile, const Occupancy& occupancy,
                             const std::vector<Llm>& llms);
  [[nodiscard]] bool is_holding(const ProfilePicture& profile) const;
  void check_leftovers(SimulatedHouse& house);
  void check_figures(SimulatedHouse& house, const RunFigures& figures);
  void learn_settings(SimulatedHouse& house);
  [[nodiscard]] std::size_t in_line(const ProfilePicture& profile, Priority priority) const;
  /// Calls of this moment that had a place in line and left it before they had a row.
  [[nodiscard]] std::size_t passing_by(const std::string& profile, Priority priority) const;

  const Scenario& x_scenario;
  std::uint64_t x_close_looks;
  std::optional<Violation> x_violation;
  ProbeCounts x_probes{};
  Duration x_now{};
  std::uint64_t x_settles = 0;

  std::map<actors::CallNumber, CallPicture> x_calls;
  /// Calls to be checked when the house dies or the run ends.
  std::set<actors::CallNumber> x_unanswered;
  std::map<TaskId, TaskPicture> x_tasks;
  /// By the ids of their turns: those that wait or are held.
  std::map<TaskId, SlotPicture> x_slots;
  std::map<actors::CallNumber, TaskId> x_turn_of;
  /// Calls whose slots have ended; and those that were asked for at this moment.
  std::set<actors::CallNumber> x_ended_slots;
  std::vector<TaskId> x_new_slots;
  std::array<std::uint64_t, call_status_count> x_slot_ends{};
  /// By pool and session.
  std::map<std::pair<std::string, std::string>, std::string> x_homes;
  /// Since when nothing was found wrong with a server; and whether something ever was, in which
  /// case homes are known again when it has been so for a while.
  std::optional<Duration> x_clean_since;
  bool x_were_servers_shaken = false;
  bool x_are_servers_shaken = false;
  /// Their last server was not well when it was given them.
  std::set<TaskId> x_met_fault;
  std::map<TaskId, actors::CallNumber> x_call_of;
  std::map<std::string, ProfilePicture> x_profiles;
  /// By server: claimed or running there, its room, and the LLM that it ran last.
  std::map<std::string, std::set<TaskId>> x_held_by;
  std::map<std::string, std::uint32_t> x_capacity_max;
  std::map<std::string, std::string> x_loaded;
  /// By LLM: whose it is.
  std::map<std::string, std::string> x_servers;
  /// An attempt of theirs may have failed: then their rows name a server that they have left.
  std::set<TaskId> x_met_failure;
  /// The task that was made first, and the one that has ended, by idempotency key.
  std::map<std::string, TaskId> x_first_of_key;
  std::map<std::string, TaskId> x_ended_of_key;
  std::vector<Passed> x_passed;
  /// Tasks that were told to end at this moment.
  std::vector<TaskId> x_ordered_ends;
  /// Who was refused at this moment.
  std::vector<Refusal> x_refusals;
  /// Who left which line at this moment, one way or another.
  std::vector<std::pair<std::string, Priority>> x_left_line;
  std::size_t x_adrift = 0;
  /// A row may be committed so much later than what it tells has happened; zero unless the disk is
  /// or was slow.
  Duration x_write_lag{};
  bool x_is_draining = false;
  /// When tasks in slots ended, by profile, as long as their aborts may be unconfirmed.
  std::map<std::string, std::deque<Duration>> x_ended_in_slot;
  std::uint64_t x_failed_commits = 0;
  std::size_t x_actors_of_house = 0;
  bool x_is_changing = false;
};

}  // namespace signalbox::sim
