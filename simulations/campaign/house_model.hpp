// What a checker knows of a house: its calls as they were made and answered, its tasks as they were
// committed. Nothing of it comes from inside an actor.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/admission/profile_settings.hpp"
#include "simulations/world/run_checker.hpp"

namespace signalbox::sim {

struct CallPicture {
  MadeCall made;
  Duration at{};
  /// Was told its id; where that is all it asked for, the rest is a courtesy.
  bool is_accepted = false;
  /// Refused or ended.
  bool is_answered = false;
  bool has_begun = false;
  /// It was refused because its class was full: it never had a place in line.
  bool met_full_line = false;
  std::optional<Duration> hung_up_at;
  std::optional<Duration> cancelled_at;
};

struct TaskPicture {
  /// As committed last.
  std::shared_ptr<const Task> row;
  /// When it came into the line first, and last.
  Duration first_pending_at{};
  Duration pending_at{};
  /// When it was given its slot; unset while it is pending.
  std::optional<Duration> granted_at;
  std::optional<Duration> ended_at;
  /// When its server would be done with it.
  std::optional<Duration> done_at;
  /// A commit about it failed: what the house knows of it and what is stored are two things.
  bool is_adrift = false;
  /// It was given back, or found after a start: then it stands under its old number, without the
  /// bound, and its budgets are others.
  bool is_returned = false;
  bool is_restored = false;
  std::uint32_t crashes = 0;
  bool met_late_completion = false;
  /// The broker stopped in good order while it ran.
  bool was_shelved = false;
};

/// A slot that an app waits for or holds.
struct SlotPicture {
  AskedSlot asked;
  /// To its profile it is as a task without a backend is.
  TaskPicture turn;
  /// Zero = it lasts as long as the connection.
  Duration lease{};
  /// When the lease may be over, and when it must be: a renewal at its very end may come too late.
  Duration lapses_from{};
  Duration lapses_at{};
  /// When it was given back, cancelled, or left by its holder; and how, if that is heeded.
  std::optional<Duration> released_at;
  CallStatus outcome = CallStatus::ok;
};

struct ProfilePicture {
  ProfileSettings settings;
  /// What it may have been until the change under way is through.
  std::uint32_t slots_max = 0;
  std::uint32_t queued_max = 0;
  std::uint32_t queued_min = 0;
  /// Being changed now.
  bool is_changing = false;
  /// At this moment: the fewest in slots, and who has come into the line. Apps are told of their
  /// slots while rows of tasks are on their way: whoever left may have done so before anyone came.
  std::size_t held_min = 0;
  std::array<bool, priority_count> has_new{};
  /// Tasks in state pending, and in a slot; slots of apps stand among them under their turns' ids.
  std::set<TaskId> pending;
  std::set<TaskId> held;
  std::size_t held_by_apps = 0;
  /// Somebody came into a slot since all of it was looked at.
  bool has_granted = false;
};

/// A server that does not confirm an abort by then has lost its right to the slot.
inline constexpr std::chrono::seconds abort_patience{1};

/// Claimed or running.
inline bool is_held(TaskState state) {
  return state == TaskState::claimed || state == TaskState::running;
}

}  // namespace signalbox::sim
