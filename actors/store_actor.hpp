// The only writer of the store. Everything that arrives while a commit is on its way to the disk
// becomes the next batch: an idle broker has the latency of one commit, a busy one shares each
// commit among many.
//
// Spawned by the broker's builder, detached in the daemon (a commit blocks on the disk), on the
// scheduler in simulation. Stopped last. A store that fails answers every write with the failure;
// nothing is acknowledged.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "actors/messages.hpp"

namespace signalbox::actors {

/// Most transitions in one commit.
inline constexpr std::size_t batch_ops_max = 512;
/// Most bytes of bodies in one commit.
inline constexpr std::size_t batch_bytes_max = 8U << 20U;

class StoreState {
 public:
  explicit StoreState(StoreActor::pointer self) : x_self{self} {}
  static inline const char* name = "store";

  StoreActor::behavior_type make_behavior(std::shared_ptr<TaskStore> store);

 private:
  void add(StoreWrite& write);
  void flush();

  StoreActor::pointer x_self;
  std::shared_ptr<TaskStore> x_store;
  std::vector<StoreOp> x_ops;
  /// Who asked for the op of the same index.
  std::vector<std::pair<StoreClient, std::uint64_t>> x_clients;
  std::size_t x_bytes = 0;
  bool x_is_flush_due = false;
};

StoreActor::behavior_type store_actor(StoreActor::stateful_pointer<StoreState> self,
                                      std::shared_ptr<TaskStore> store);

}  // namespace signalbox::actors
