// The only writer of the store. Everything that arrives while a commit is on its way to the disk
// becomes the next batch: an idle broker has the latency of one commit, a busy one shares each
// commit among many.
//
// Spawned by the broker's builder, detached in the daemon (a commit blocks on the disk), on the
// scheduler in simulation. Stopped last. A store that fails answers every write with the failure;
// nothing is acknowledged. A store that is full may still have room for a part of the batch.
#pragma once

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::actors {

/// Most transitions in one commit.
inline constexpr std::size_t batch_ops_max = 512;
/// Most bytes of bodies in one commit.
inline constexpr std::size_t batch_bytes_max = 8U << 20U;

/// How long call rows wait for others to share their commit: nobody waits for them, and a sync of
/// their own would only be in the way of those who do.
inline constexpr std::chrono::milliseconds call_rows_patience{500};

/// How often a batch that does not fit is halved. Bounds the commits that one batch can become:
/// 127, of which those that fail again cost no sync.
inline constexpr unsigned batch_halvings_max = 6;

/// How long a busy store waits for a batch to fill. Between two commits of many callers the time
/// passes anyway; a commit that carries more of them leaves more of the processor to the calls
/// themselves.
struct GatherRule {
  /// Off = what arrives during a commit is the next batch, always.
  bool is_on = false;
  /// Every operation is a commit of its own, for a store whose commits cost nothing.
  bool is_immediate = false;
  /// A batch this large goes at once.
  std::size_t ops_wanted = 96;
  Duration longest = std::chrono::milliseconds{4};
  /// Tasks begun and not ended below which nobody is kept waiting.
  std::size_t open_tasks_min = 100;
  /// The batch before must have had as many: a large backlog alone is not a crowd.
  std::size_t last_batch_min = 8;
};

class StoreState {
 public:
  explicit StoreState(StoreActor::pointer self) : x_self{self} {}
  static inline const char* name = "store";

  StoreActor::behavior_type make_behavior(std::shared_ptr<TaskStore> store, GatherRule rule);

 private:
  /// Who asked, and the cookie; nobody when the handle is empty.
  using Client = std::pair<StoreClient, std::uint64_t>;

  void add(StoreWrite& write);
  void flush_later(const StoreOp& op, bool is_gathering);
  void flush();
  /// Commits `ops`, and tells who asked for each what became of it.
  void write_out(std::span<const StoreOp> ops, std::span<Client> clients);
  /// Commits `ops`; what is refused as a whole because the store is full is tried again in halves,
  /// so that a large body takes few transitions of other tasks down with it: those are what makes
  /// room again.
  std::vector<StoreResult> commit(std::span<const StoreOp> ops, unsigned halvings_left);
  void count_open_tasks(const StoreOp& op);

  StoreActor::pointer x_self;
  std::shared_ptr<TaskStore> x_store;
  std::vector<StoreOp> x_ops;
  /// Who asked for the op of the same index.
  std::vector<Client> x_clients;
  std::size_t x_bytes = 0;
  bool x_is_flush_due = false;
  bool x_is_late_flush_due = false;
  GatherRule x_rule;
  /// Begun and not ended since the start, as far as this actor saw.
  std::size_t x_open_tasks = 0;
  std::size_t x_last_batch = 0;
  /// Told how long commits take; null = nobody is.
  MetricsActor x_metrics;
};

StoreActor::behavior_type store_actor(StoreActor::stateful_pointer<StoreState> self,
                                      std::shared_ptr<TaskStore> store, GatherRule rule);

}  // namespace signalbox::actors
