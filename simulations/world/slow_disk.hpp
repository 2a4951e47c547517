// A disk that takes its time, before the store's actor: what comes while a sync is under way is the
// next batch, just as it is for the daemon's store, whose thread waits for the disk. Here time
// passes between two messages, so the batch waits instead, and is committed at the sync's end.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::sim {

/// How the disk is; shared with who makes it slow.
struct DiskPace {
  /// Of each sync that begins from now on.
  Duration sync{};
  /// Operations that wait for it, or for the sync before theirs.
  std::size_t waiting = 0;
};

/// To itself, behind everything that came at the same moment.
struct BeginSync {};

struct EndSync {};

}  // namespace signalbox::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::BeginSync)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(signalbox::sim::EndSync)

namespace signalbox::sim {

using SlowDiskActor =
    actors::StoreActor::extend<caf::reacts_to<BeginSync>, caf::reacts_to<EndSync>>;

class SlowDiskState {
 public:
  explicit SlowDiskState(SlowDiskActor::pointer self) : x_self{self} {}
  static inline const char* name = "slow disk";

  SlowDiskActor::behavior_type make_behavior(actors::StoreActor store,
                                             std::shared_ptr<DiskPace> pace);

 private:
  void add(actors::StoreWrite& write);
  void begin_sync();
  void end_sync();

  SlowDiskActor::pointer x_self;
  actors::StoreActor x_store;
  std::shared_ptr<DiskPace> x_pace;
  /// For the next sync, and in the one that is under way.
  std::vector<actors::StoreWrite> x_next;
  std::vector<actors::StoreWrite> x_syncing;
  bool x_is_busy = false;
};

/// Lives as long as whoever has its handle lets it; the store's actor is not its own to stop.
SlowDiskActor::behavior_type slow_disk(SlowDiskActor::stateful_pointer<SlowDiskState> self,
                                       actors::StoreActor store, std::shared_ptr<DiskPace> pace);

}  // namespace signalbox::sim
