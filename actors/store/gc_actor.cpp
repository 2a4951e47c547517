#include "actors/store/gc_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "core/base/crash_point.hpp"

namespace signalbox::actors {
namespace {

/// Between two slices of one sweep.
constexpr std::chrono::milliseconds slice_pause{20};

/// Looks at a slice whose ends are on their way to the disk: one second. Whatever has not ended by
/// then is not going to.
constexpr std::uint32_t unchanged_looks_max = 50;

}  // namespace

WallTime GcState::before(std::uint32_t age_s) const {
  return x_setup.ports.wall->now() - std::chrono::seconds{age_s};
}

void GcState::tick_in(Duration delay) {
  x_self->delayed_send(x_self, delay, CollectTick{++x_generation});
}

// Each is ended by its own actor, as a cancelled one is: whoever waits for it is told.
bool GcState::expire_pending() {
  const std::uint32_t limit_s = x_setup.settings.pending_timeout_s;
  const WallTime limit = before(limit_s);
  auto stale = x_setup.ports.store->stale_pending(limit, collect_slice);
  if (stale.has_error() || stale->empty()) return false;
  const bool is_full = stale->size() == collect_slice;
  if (*stale == x_stale) return is_full && ++x_stale_looks < unchanged_looks_max;
  for (const TaskId id : *stale) {
    x_self->send(x_setup.house.broker,
                 OrderEnd{id,
                          make_error(ErrorCode::task_expired, "no backend took the task within " +
                                                                  std::to_string(limit_s) + " s"),
                          limit});
  }
  x_stale = std::move(*stale);
  x_stale_looks = 0;
  return is_full;
}

void GcState::send_write(StoreOp op, bool wants_answer) {
  StoreWrite write{std::move(op), {}, 0};
  if (wants_answer) {
    write.client = x_self;
    ++x_writes_out;
  }
  x_self->send(x_setup.house.store, std::move(write));
}

bool GcState::delete_finished() {
  const auto old = x_setup.ports.store->finished_before(
      before(x_setup.settings.terminal_retention_s), collect_slice);
  if (old.has_error() || old->empty()) return false;
  for (const TaskId id : *old) {
    send_write(DeleteTask{id}, id == old->back());
    crash_point("gc.mid_slice");
  }
  return old->size() == collect_slice;
}

bool GcState::delete_call_rows() {
  auto old = x_setup.ports.store->old_calls(before(x_setup.settings.call_retention_s), x_calls_seen,
                                            collect_calls_slice);
  if (old.has_error()) return false;
  x_calls_seen = old->next;
  if (!old->ids.empty()) send_write(DeleteCallRows{std::move(old->ids)}, true);
  return x_calls_seen.has_value();
}

void GcState::begin_sweep(Instant now) {
  x_next_sweep = now + std::chrono::seconds{x_setup.settings.interval_s};
  x_stale.clear();
  x_calls_seen.reset();
  x_is_done_with_calls = false;
  x_self->send(x_setup.house.registrar,
               CollectSessions{std::chrono::seconds{x_setup.session_retention_s}});
  x_self->send(x_setup.house.metrics, CollectCalls{before(x_setup.settings.call_retention_s)});
}

void GcState::tick() {
  const Instant now = x_self->clock().now();
  if (now >= x_next_sweep) begin_sweep(now);
  const bool has_more_pending = expire_pending();
  const bool has_more_finished = delete_finished();
  if (!x_is_done_with_calls) x_is_done_with_calls = !delete_call_rows();
  x_has_more = has_more_pending || has_more_finished || !x_is_done_with_calls;
  if (x_writes_out > 0) return;
  tick_in(x_has_more ? Duration{slice_pause} : x_next_sweep - now);
}

GcActor::behavior_type GcState::make_behavior(GcSetup setup) {
  x_setup = std::move(setup);
  tick_in(std::chrono::seconds{x_setup.settings.interval_s});
  return {
      [this](const StoreAnswer& message) {
        --x_writes_out;
        // A store that takes nothing is left alone until the next sweep.
        if (message.result.outcome == StoreResult::Outcome::failed) x_has_more = false;
        if (x_writes_out > 0) return;
        const Instant now = x_self->clock().now();
        const bool is_due = x_has_more || x_next_sweep <= now;
        tick_in(is_due ? Duration{slice_pause} : x_next_sweep - now);
      },
      [this](const CollectTick& message) {
        if (message.generation == x_generation) tick();
      },
  };
}

GcActor::behavior_type gc_actor(GcActor::stateful_pointer<GcState> self, GcSetup setup) {
  return self->state.make_behavior(std::move(setup));
}

}  // namespace signalbox::actors
