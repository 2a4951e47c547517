#include "actors/house.hpp"

#include <caf/send.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/backends/directory_actor.hpp"
#include "actors/calls/metrics_actor.hpp"
#include "actors/store/gc_actor.hpp"
#include "actors/store/store_actor.hpp"
#include "core/base/crash_point.hpp"

namespace signalbox::actors {

Result<std::map<std::string, std::vector<WaiterRequest>>> recover_backlog(
    TaskStore& store, std::uint32_t max_attempts, WallTime now) {
  std::map<std::string, std::vector<WaiterRequest>> backlog;
  const auto recovered = store.recover(max_attempts, now, [&](PendingTask task) {
    crash_point("recovery.mid");
    WaiterRequest turn;
    turn.id = task.id;
    turn.priority = task.priority;
    turn.target = std::move(task.pool);
    // Its caller went down with the broker: no bound and no queue budget is left to hold it to.
    turn.counted = false;
    backlog[task.profile].push_back(std::move(turn));
  });
  if (recovered.has_error()) return recovered.error();
  return backlog;
}

House build_house(caf::actor_system& system, HouseOptions options, Ports ports) {
  House house;
  const GatherRule rule{.is_on = options.is_detached, .is_immediate = !options.has_batches};
  house.store = options.is_detached ? system.spawn<caf::detached>(store_actor, ports.store, rule)
                                    : system.spawn(store_actor, ports.store, rule);
  if (options.before_store) house.store = options.before_store(system, house.store);
  if (options.has_call_rows) {
    house.metrics = system.spawn(metrics_actor, house.store, call_rows_kept);
    caf::anon_send(house.store, MeasureCommits{house.metrics});
  }
  house.broker = system.spawn(broker_actor, std::move(options.broker), ports);
  house.directory = system.spawn(directory_actor, ports.wall, house.broker, options.breaker);
  house.registrar = system.spawn(registrar_actor, std::move(options.registrar), ports);
  house.push_desk = system.spawn(push_desk_actor, std::move(options.push_desk), ports);
  if (options.gc) {
    house.collector =
        system.spawn(gc_actor, GcSetup{*options.gc, options.session_retention_s, house, ports});
  }
  caf::anon_send(house.broker, OpenHouse{house});
  caf::anon_send(house.registrar, OpenHouse{house});
  caf::anon_send(house.push_desk, OpenHouse{house});
  return house;
}

void begin_drain(const House& house) {
  caf::anon_send(house.broker, BeginDrain{});
  caf::anon_send(house.registrar, BeginDrain{});
}

void close_house(caf::actor_system&, const House& house) {
  if (house.collector) {
    caf::anon_send_exit(*house.collector, caf::exit_reason::user_shutdown);
  }
  for (const auto& actor :
       {caf::actor_cast<caf::actor>(house.registrar), caf::actor_cast<caf::actor>(house.push_desk),
        caf::actor_cast<caf::actor>(house.broker), caf::actor_cast<caf::actor>(house.directory),
        caf::actor_cast<caf::actor>(house.metrics), caf::actor_cast<caf::actor>(house.store)}) {
    if (actor) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
}

}  // namespace signalbox::actors
