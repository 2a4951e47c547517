// Watches a run from outside: calls as they are made, every transition that the store commits, and
// the ends that callers are told. Counts them, follows the length of the queue, and hashes what
// happened. Knows no policy, and nothing about the house but what it says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/messages/call_messages.hpp"
#include "core/base/ids.hpp"
#include "core/calls/call_row.hpp"
#include "core/tasks/task.hpp"
#include "simulations/figures/figures.hpp"
#include "simulations/scenario/scenario.hpp"
#include "simulations/scenario/workload.hpp"

namespace signalbox::sim {

/// A task whose call has ended. Times are since the run's start.
struct EndedTask {
  /// Calls count from 1.
  std::uint64_t number = 0;
  std::uint32_t client = 0;
  CallSize size;
  Duration arrived_at{};
  /// Set when its client made it before.
  std::optional<Repeat> repeat;
  /// When a backend was given it last; unset = never.
  std::optional<Duration> dispatched_at;
  /// When one was first.
  Duration started_at{};
  /// Times that it had a slot.
  std::uint32_t attempts = 0;
  /// In slots that it left without an end.
  Duration wasted{};
  Duration ended_at{};
  /// All its waits together, as the house tells its caller.
  Duration wait{};
  CallStatus status = CallStatus::ok;
  /// Its client lost the connection and has called again, or given up: the answer is nobody's.
  bool is_abandoned = false;
};

/// How many wait and run, at one moment.
struct LineState {
  std::array<std::uint64_t, priority_count> queued{};
  std::uint64_t running = 0;
};

/// Is told more than the figures keep.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void ended(const EndedTask& task) = 0;
  /// The line as it is at `second` s after the start; once for every second.
  virtual void sampled(std::uint64_t second, const LineState& line) = 0;
};

class Recorder {
 public:
  /// @param scenario must outlive it, as must `observer`, which may be null.
  /// @param hash_every as in RunFigures.
  Recorder(const Scenario& scenario, RunObserver* observer, std::uint64_t hash_every = 0);

  /// All times from here on are since the run's start, and never fall.
  void called(TaskId task, const Arrival& arrival);
  /// The row as it is in the store now.
  void stored(const Task& task, Duration now);
  /// Its end could not be stored: as far as the house knows it is over, and the row is not.
  void end_not_stored(TaskId task, Duration now);
  // What its caller is told. @param call the id that the call was made under.
  void refused(TaskId call, const Error& error, Duration now);
  void accepted(TaskId call, const actors::TaskAccepted& message, Duration now);
  void ended(TaskId call, const actors::TaskEnded& message, Duration now);
  /// Nobody waits for its end any more.
  void hung_up(TaskId call, Duration now);
  /// Its client goes on without it.
  void abandoned(TaskId call);
  // Slots that apps hold for calls of their own; they are in no line here. Calls count as above.
  void slot_asked() { ++x_figures.slots; }
  void slot_admitted(actors::CallNumber call, Duration now);
  void slot_ended(actors::CallNumber call, CallStatus status, Duration now);
  /// Nothing is under way: what was not stored by now never will be.
  void settled(Duration now);
  /// The process is gone, and every caller's connection.
  void died(Duration now);

  /// Null when it has ended.
  [[nodiscard]] const EndedTask* find(TaskId task) const;
  /// Calls that have not ended.
  [[nodiscard]] std::size_t open() const { return x_tasks.size(); }
  /// In the order they were made.
  [[nodiscard]] std::vector<TaskId> open_tasks() const;

  /// As far as they go; the integrals end at the last event.
  [[nodiscard]] const RunFigures& figures() const { return x_figures; }
  /// The figures up to `now`. @param length_only_to the end of the last task.
  [[nodiscard]] RunFigures take(Duration now);

 private:
  enum class Place : std::uint8_t { called, queued, running, over, adrift };
  struct End {
    CallStatus status = CallStatus::ok;
    Duration wait{};
    Duration at{};
  };
  struct LiveTask {
    EndedTask facts;
    Place place = Place::called;
    /// Its caller is yet to be told.
    bool is_watched = true;
    /// What its caller was told, and what the store says.
    std::optional<End> told;
    std::optional<End> stored;
    /// Its waits as the store shows them.
    Duration queued_at{};
    Duration queued_for{};
  };
  using Tasks = std::unordered_map<TaskId, LiveTask>;
  /// It is over when the store says so and whoever waits for that has heard.
  void end_when_over(Tasks::iterator task, Duration now);
  void end(Tasks::iterator task, const End& end, Duration now);
  void move(LiveTask& task, Place place, Duration now);
  void count_repeat(Duration at);
  /// Adds the time since the last change to the integrals.
  void pass(Duration now);
  void mix(std::uint64_t value);
  /// An event is one transition of a task or a slot, or what its caller was told of its end.
  void close_event();
  [[nodiscard]] std::size_t class_of(const LiveTask& task) const;

  const Scenario* x_scenario;
  RunObserver* x_observer;
  /// Index in x_figures.profiles, by client.
  std::vector<std::size_t> x_profile_of;
  /// Looked up by id; what is done to all of them is done in the order of their numbers.
  Tasks x_tasks;
  /// Over, or given up, before anything of them was stored.
  std::vector<TaskId> x_unsettled;
  RunFigures x_figures;
  std::uint64_t x_events = 0;
  LineState x_line;
  std::vector<std::uint64_t> x_running;
  Duration x_now{};
  std::uint64_t x_next_second = 0;
  /// Calls made again in the second of the last such call.
  std::int64_t x_repeating_second = -1;
  std::uint64_t x_repeats_in_second = 0;
};

}  // namespace signalbox::sim
