// The collector (mission B11, B6): ends tasks that have waited too long, deletes tasks that ended
// long ago and sessions nobody has heard of. Spawned with the house. Its work is cut into slices
// with pauses between them, so that it never keeps others from the store for more than a few
// milliseconds; what a sweep did not get to, the next finds again.
#pragma once

#include <cstdint>
#include <memory>

#include "actors/messages.hpp"
#include "actors/ports.hpp"
#include "config/settings.hpp"

namespace signalbox::actors {

/// Tasks in one slice.
inline constexpr std::size_t collect_slice = 128;

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
  /// @returns true when there may be more.
  bool expire_pending();
  bool delete_finished();
  void tick_in(Duration delay);
  [[nodiscard]] WallTime before(std::uint32_t age_s) const;

  GcActor::pointer x_self;
  GcSetup x_setup;
  /// Deletions on their way to the disk: the next slice waits for them.
  bool x_is_writing = false;
  bool x_has_more = false;
  Instant x_next_sweep{};
  std::uint64_t x_generation = 0;
};

GcActor::behavior_type gc_actor(GcActor::stateful_pointer<GcState> self, GcSetup setup);

}  // namespace signalbox::actors
