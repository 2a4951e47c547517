// The actors' world on a virtual clock: one thread, one message at a time, time moves only when
// nothing is left to do. Every actor test and every simulation runs in one.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/execution_unit.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "actors/house.hpp"
#include "core/ports.hpp"
#include "simulations/scenario/random.hpp"

namespace signalbox::sim {

struct VirtualOptions {
  /// Which ready actor runs next is drawn from this; unset = first come, first served.
  std::optional<std::uint64_t> schedule_seed;
  std::uint64_t id_seed = 1;
  /// When the clock starts: later than the last moment of the world before.
  Instant start{};
  /// The wall clock's, from the virtual one's.
  Duration wall_offset{};
};

class VirtualSystem {
 public:
  explicit VirtualSystem(VirtualOptions options = {});
  /// Stops every actor it was told of and runs what is left.
  ~VirtualSystem();
  VirtualSystem(const VirtualSystem&) = delete;
  VirtualSystem& operator=(const VirtualSystem&) = delete;

  caf::actor_system& system() { return *x_system; }
  [[nodiscard]] Instant now() const;

  /// Runs until no actor has a message; time stands still.
  void run();
  /// As run(), but first come, first served: what only looks on shall not shift the schedule.
  void run_in_order();
  /// As run(), but for at most that many messages.
  void run_some(std::uint64_t messages);
  /// Moves the clock to `until`, stopping at every timer on the way.
  void run_until(Instant until);
  void advance(Duration duration) { run_until(now() + duration); }
  /// Moves the clock to the next timer and runs. @returns false when there is none.
  bool run_next_timer();
  /// Moves the clock to the next timer and delivers it, without running. @pre there is one.
  void fire_next_timer() { x_scheduler->trigger_timeout(); }
  [[nodiscard]] std::optional<Instant> next_timer() const;
  [[nodiscard]] std::size_t pending_timers() const {
    return x_scheduler->clock().schedule().size();
  }
  [[nodiscard]] bool has_message() const { return x_scheduler->has_job(); }
  /// Moves the clock, over no timer. @pre there is no message, and no timer is due until then.
  void set_now(Instant now) { x_scheduler->clock().current_time = now; }
  /// Runs until neither messages nor timers are left, or at `most`. @returns false when stopped at
  /// `most`.
  bool run_dry(Instant most);

  /// Wall time that follows the virtual clock at some distance, and ids made from it.
  std::shared_ptr<WallClock> wall() { return x_wall; }
  std::shared_ptr<IdSource> ids() { return x_ids; }
  void set_wall_offset(Duration offset) { x_wall_offset = offset; }

  /// Is sent an exit when this ends.
  void adopt(caf::actor actor) { x_adopted.push_back(std::move(actor)); }

  /// Messages handled so far.
  [[nodiscard]] std::uint64_t steps() const { return x_steps; }

 private:
  void step();
  void run_first();

  caf::actor_system_config x_config;
  std::unique_ptr<caf::actor_system> x_system;
  caf::scheduler::test_coordinator* x_scheduler = nullptr;
  std::unique_ptr<caf::execution_unit> x_worker;
  std::optional<RandomStream> x_schedule;
  Duration x_wall_offset{};
  std::shared_ptr<WallClock> x_wall;
  std::shared_ptr<IdSource> x_ids;
  std::vector<caf::actor> x_adopted;
  std::uint64_t x_steps = 0;
};

}  // namespace signalbox::sim
