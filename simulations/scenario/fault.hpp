// What goes wrong in a scenario, and when: data, like the rest of it, so that a run that fails can
// be written down and made smaller.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/time.hpp"

namespace signalbox::sim {

enum class FaultKind : std::uint8_t {
  // A backend does this to the calls it is given meanwhile.
  /// No connection.
  refuse,
  /// Takes the call and never says a word, until it is told to stop.
  hang,
  /// The first byte comes `delay` later.
  slow_start,
  /// Says nothing for `delay` once `amount` percent of the call's time are over.
  stall,
  /// The connection breaks once `amount` percent of the call's time are over. A server that does
  /// not
  /// notice says `delay` later that it is done (zero = never).
  cut,
  /// Answers with status `amount`, and asks to be left alone for `delay` (zero = says nothing).
  status,
  /// Answers what nobody can read.
  garbage,
  /// Told to stop, it confirms that it has, and says `delay` later that it is done all the same.
  late_completion,
  /// Says twice that it is done.
  double_completion,
  /// Told to stop, it confirms that only `delay` later.
  slow_abort,
  /// Its answer says that it took `amount` tokens, in and out.
  wrong_usage,
  // What happens to a backend.
  /// It is not there; calls it runs go on.
  gone,
  /// It dies with the calls it runs, and is back when the fault is over.
  death,
  /// It is not there for `delay`, then there for as long, and so on.
  flapping,
  /// It takes `amount` calls at once.
  capacity,
  // What is done to a profile.
  /// It has `amount` slots.
  slots,
  /// Its bound is `amount` waiting calls per class.
  bound,
  /// Its policy is `word`.
  policy,
  /// The configuration names `amount` slots: in force at the next restart.
  edit_slots,
  /// The configuration does not name it any more: in force at the next restart.
  drop_profile,
  // What happens to the broker.
  /// The process dies when `amount` more messages were handled, and starts again `lasts` later.
  crash,
  /// The process dies in the commit after the next `amount`, before anything of it is on the disk.
  crash_before_commit,
  /// The same, when all of it is on the disk and nobody has been told.
  crash_after_commit,
  /// The next `amount` commits fail: the disk is full.
  full_disk,
  /// A commit takes `delay`; what comes meanwhile is the next one.
  slow_sync,
  /// It accepts no more; `delay` later it stops in good order, and starts again `lasts` after that.
  drain,
  /// The machine's clock is `delay` ahead; timers do not heed it.
  wall_jump,
};
inline constexpr std::size_t fault_kind_count = 27;

struct Fault {
  FaultKind kind = FaultKind::refuse;
  /// A backend or a profile; empty for the broker.
  std::string target = {};
  /// Since the run's start.
  Duration at{};
  /// From `at` on. Zero = it is over at once; then only calls that begin at that moment meet it.
  Duration lasts{};
  /// What it means is the kind's to say.
  std::int64_t amount = 0;
  Duration delay{};
  std::string word = {};

  friend bool operator==(const Fault&, const Fault&) = default;
};

/// What a fault is done to.
enum class FaultTarget : std::uint8_t { backend, profile, broker };

/// What a kind's faults consist of. A key that is empty has no meaning for the kind.
struct FaultShape {
  FaultKind kind;
  std::string_view name;
  FaultTarget target;
  bool has_lasts = false;
  /// Key of `amount` in files, and its range.
  std::string_view amount_key = {};
  std::int64_t amount_min = 0;
  std::int64_t amount_max = 0;
  /// Key of `delay` in files, and what it is at least; zero unless given, where that is allowed.
  std::string_view delay_key = {};
  Duration delay_min{};
  /// Key of `word` in files.
  std::string_view word_key = {};
};

/// In the order of the kinds.
std::span<const FaultShape> fault_shapes();
const FaultShape& shape_of(FaultKind kind);

/// @returns the wire word.
inline std::string_view to_string(FaultKind kind) {
  return shape_of(kind).name;
}

}  // namespace signalbox::sim
