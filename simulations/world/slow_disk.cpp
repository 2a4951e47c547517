#include "simulations/world/slow_disk.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

namespace signalbox::sim {

void SlowDiskState::add(actors::StoreWrite& write) {
  ++x_pace->waiting;
  x_next.push_back(std::move(write));
  if (std::exchange(x_is_busy, true)) return;
  x_self->send(x_self, BeginSync{});
}

void SlowDiskState::begin_sync() {
  x_syncing = std::exchange(x_next, {});
  if (x_pace->sync > Duration::zero()) {
    x_self->delayed_send(x_self, x_pace->sync, EndSync{});
  } else {
    end_sync();
  }
}

void SlowDiskState::end_sync() {
  x_pace->waiting -= x_syncing.size();
  for (actors::StoreWrite& write : x_syncing) x_self->send(x_store, std::move(write));
  x_syncing.clear();
  x_is_busy = !x_next.empty();
  if (x_is_busy) x_self->send(x_self, BeginSync{});
}

SlowDiskActor::behavior_type SlowDiskState::make_behavior(actors::StoreActor store,
                                                          std::shared_ptr<DiskPace> pace) {
  x_store = std::move(store);
  x_pace = std::move(pace);
  x_pace->waiting = 0;
  return {
      [this](actors::StoreWrite& write) { add(write); },
      [this](const actors::FlushStore& message) { x_self->send(x_store, message); },
      [this](const actors::MeasureCommits& message) { x_self->send(x_store, message); },
      [this](const BeginSync&) { begin_sync(); },
      [this](const EndSync&) { end_sync(); },
  };
}

SlowDiskActor::behavior_type slow_disk(SlowDiskActor::stateful_pointer<SlowDiskState> self,
                                       actors::StoreActor store, std::shared_ptr<DiskPace> pace) {
  return self->state.make_behavior(std::move(store), std::move(pace));
}

}  // namespace signalbox::sim
