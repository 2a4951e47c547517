// The collector (mission B11, B6, A9): ends tasks that have waited too long, deletes tasks and call
// rows that ended long ago and sessions nobody has heard of. Spawned with the house. Its work is
// cut into slices with pauses between them, so that it never keeps others from the store for more
// than a few milliseconds; what a sweep did not get to, the next finds again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "config/settings.hpp"

namespace signalbox::actors {

/// Tasks in one slice.
inline constexpr std::size_t collect_slice = 128;
/// Call rows that one slice looks at; they have neither bodies nor indexes.
inline constexpr std::size_t collect_calls_slice = 512;

struct GcSetup {
  config::GcSettings settings;
  /// Unit: s.
  std::uint32_t session_retention_s = 14'400;
  House house;
  Ports ports;
};

class GcState {
 public:
  explicit GcState(GcActor::pointer self) : x_self{self} {}
  static inline const char* name = "collector";

  GcActor::behavior_type make_behavior(GcSetup setup);

 private:
  void tick();
  void begin_sweep(Instant now);
  /// @returns true when there may be more.
  bool expire_pending();
  bool delete_finished();
  bool delete_call_rows();
  void send_write(StoreOp op, bool wants_answer);
  void tick_in(Duration delay);
  [[nodiscard]] WallTime before(std::uint32_t age_s) const;

  GcActor::pointer x_self;
  GcSetup x_setup;
  /// The tasks that were last told to end in this sweep, and how often the store has named them
  /// again since: their ends may be on their way to it, or it refuses them.
  std::vector<TaskId> x_stale;
  std::uint32_t x_stale_looks = 0;
  /// Deletions on their way to the disk whose answer is awaited: the next slice waits for them.
  std::size_t x_writes_out = 0;
  /// Call rows up to here were looked at in this sweep: a call that waited long before it ran ends
  /// later than its neighbours.
  std::optional<TaskId> x_calls_seen;
  bool x_is_done_with_calls = false;
  bool x_has_more = false;
  Instant x_next_sweep{};
  std::uint64_t x_generation = 0;
};

GcActor::behavior_type gc_actor(GcActor::stateful_pointer<GcState> self, GcSetup setup);

}  // namespace signalbox::actors
