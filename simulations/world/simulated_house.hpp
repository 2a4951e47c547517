// The house on a virtual clock, with everything around it that a scenario has: its servers, its
// caller, its store, its clock. Its process may die and start again on the same store; time goes on
// meanwhile. How it ends is in simulated_house_life.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/backends/playback_actor.hpp"
#include "actors/house.hpp"
#include "simulations/scenario/scenario.hpp"
#include "simulations/scenario/workload.hpp"
#include "simulations/world/bound_worker.hpp"
#include "simulations/world/observed_store.hpp"
#include "simulations/world/slow_disk.hpp"
#include "simulations/world/virtual_system.hpp"

namespace signalbox::sim {

/// Where a process died, or that it stopped as it should.
enum class Death : std::uint8_t { between_messages, before_commit, after_commit, in_good_order };

/// Is told what happens in a house, as it happens, and says what its servers do.
class HouseWitness {
 public:
  virtual ~HouseWitness() = default;
  virtual void committed(const StoreOp& op, const StoreResult& result) = 0;
  virtual void refused(const actors::TaskRefused& message) = 0;
  virtual void accepted(const actors::TaskAccepted& message) = 0;
  virtual void began(const actors::TaskBegan& message) = 0;
  virtual void data(const actors::TaskData& message) = 0;
  virtual void ended(const actors::TaskEnded& message) = 0;
  virtual void slot_admitted(const actors::SlotAdmitted& message) = 0;
  virtual void slot_ended(const actors::SlotEnded& message) = 0;
  virtual actors::Playback play(const BackendSpec& backend, const BackendCall& call) = 0;
  /// The process has died; whoever waited has lost its connection.
  virtual void died(Death death) = 0;
  /// It starts again: the store has put back what ran, and nothing else has happened yet.
  virtual void recovered(const ObservedStore& store) = 0;
};

/// How one server is now.
struct ServerState {
  bool is_present = true;
  std::uint32_t capacity = 1;

  friend bool operator==(const ServerState&, const ServerState&) = default;
};

class SimulatedHouse {
 public:
  /// Starts it. @param scenario and `witness` must outlive it.
  SimulatedHouse(const Scenario& scenario, std::optional<std::uint64_t> schedule_seed,
                 HouseWitness& witness);
  ~SimulatedHouse();
  SimulatedHouse(const SimulatedHouse&) = delete;
  SimulatedHouse& operator=(const SimulatedHouse&) = delete;

  // -- time ---------------------------------------------------------------------------------------

  /// Since the first start.
  [[nodiscard]] Duration now() const;
  /// Runs until no actor has a message, or the process dies.
  void run();
  /// Moves on to `goal`, stopping at every timer on the way; `settled` is called whenever nothing
  /// is under way, and says when at the latest it wants to stop. @returns false when it did before
  /// `goal`, or the process died.
  template <class Settled>
  bool run_until(Duration goal, const Settled& settled) {
    const bool was_up = is_up();
    run();
    Duration until = std::min<Duration>(goal, settled());
    while (x_world && x_world->next_timer() && to_offset(*x_world->next_timer()) <= until) {
      x_world->fire_next_timer();
      run();
      until = std::min<Duration>(until, settled());
    }
    if (was_up && !is_up()) return false;
    pass_to(until);
    return until == goal;
  }
  /// @returns when the next timer is due; nothing without one, or when it is down.
  [[nodiscard]] std::optional<Duration> next_timer() const;

  // -- life and death -----------------------------------------------------------------------------

  [[nodiscard]] bool is_up() const { return x_world != nullptr; }
  /// The process dies when it has handled so many more messages.
  void die_after(std::uint64_t messages);
  /// It dies in the commit after the next `commits`.
  void die_in_commit(std::uint64_t commits, bool is_kept);
  void fail_commits(std::uint64_t commits);
  /// @param sync how long each commit takes from now on. @pre the scenario has a slow disk, or it
  /// is zero.
  void slow_disk_down(Duration sync);
  /// Something is on its way to a slow disk: rows say less than the house knows.
  [[nodiscard]] bool is_writing() const { return x_pace->waiting > 0; }
  /// It accepts no more.
  void begin_drain();
  /// What runs is put back, and when that is on the disk the process ends. Nothing comes of it
  /// unless it drains.
  void stop();
  /// The machine's clock is so far ahead of the run's time.
  void set_wall_offset(Duration offset);
  /// @pre it is down. @param profiles the configuration it finds.
  void restart(std::map<std::string, ProfileSettings> profiles);

  // -- what is done to it -------------------------------------------------------------------------
  // All of it is only sent; while it is down, nothing comes of it.

  /// @returns the id of the task. @param idempotency_key empty = none.
  TaskId submit(actors::CallNumber number, const ClientSpec& client, const Arrival& arrival,
                const std::string& idempotency_key);
  void cancel(TaskId task);
  void hang_up(TaskId task, actors::CallNumber number);
  /// @returns the id of the slot. @pre it is up, and the client holds slots.
  SlotId acquire_slot(actors::CallNumber number, const ClientSpec& client);
  void renew_slot(SlotId slot, const std::string& owner);
  void release_slot(SlotId slot, const std::string& owner, SlotOutcome outcome);
  /// The connection of whoever asked for it is gone.
  void drop_slot(SlotId slot);
  void configure(actors::ConfigureProfile change);
  /// Held over restarts.
  void set_server(const std::string& backend, ServerState state);
  /// Its calls end as lost.
  void kill_server(const std::string& backend);
  [[nodiscard]] ServerState server(const std::string& backend) const;

  // -- what it says of itself. @pre it is up and nothing is under way.
  // ------------------------------

  actors::ProfileList list_profiles();
  std::vector<Llm> list_llms();
  /// Nothing in a house that keeps no rows of calls.
  std::optional<actors::Figures> list_figures();
  [[nodiscard]] std::size_t running_actors() const;
  [[nodiscard]] std::size_t pending_timers() const;

  [[nodiscard]] const ObservedStore& store() const { return *x_store; }
  [[nodiscard]] std::uint64_t messages() const;
  /// It has everything that the daemon's has, and keeps its tasks.
  [[nodiscard]] bool is_whole() const { return x_is_whole; }
  [[nodiscard]] std::uint32_t starts() const { return x_starts; }

 private:
  class Caller;
  using CallerActor = actors::TaskListener::extend_with<actors::SlotListener>;
  struct Server {
    const BackendSpec* spec = nullptr;
    ServerState state;
    ExecutorId id = 0;
    /// One of the two is null.
    actors::PlaybackActor actor;
    BoundWorkerActor worker;
    /// The worker's, kept over restarts of the broker.
    std::shared_ptr<SessionId> session = std::make_shared<SessionId>();
  };

  void start(std::map<std::string, ProfileSettings> profiles);
  void spawn_server(Server& server);
  void spawn_worker(Server& server, actors::PlaybackScript script);
  [[nodiscard]] bool must_die() const;
  void die();
  void pass_to(Duration until);
  [[nodiscard]] std::vector<Llm> to_llms(const Server& server) const;
  [[nodiscard]] Duration to_offset(Instant instant) const { return instant - x_start; }
  static CallerActor::behavior_type caller(CallerActor::stateful_pointer<Caller> self,
                                           SimulatedHouse* house);

  const Scenario& x_scenario;
  HouseWitness& x_witness;
  std::optional<std::uint64_t> x_schedule_seed;
  bool x_is_whole = false;
  std::shared_ptr<ObservedStore> x_store;
  /// Null while it is down.
  std::unique_ptr<VirtualSystem> x_world;
  actors::House x_house;
  CallerActor x_caller;
  /// By name.
  std::map<std::string, Server> x_servers;
  Instant x_start{};
  /// While it is down.
  Duration x_now{};
  std::uint32_t x_starts = 0;
  std::uint64_t x_messages_before = 0;
  /// What its actors still say while they are taken down, nobody hears.
  bool x_is_dying = false;
  std::optional<std::uint64_t> x_messages_left;
  bool x_is_commit_watched = false;
  bool x_is_draining = false;
  bool x_is_stopping = false;
  Duration x_wall_offset{};
  std::shared_ptr<DiskPace> x_pace = std::make_shared<DiskPace>();
  Bytes x_body = make_bytes("{}");
};

}  // namespace signalbox::sim
