// Call rows (mission A9), one per call of any kind. Those of calls under way and the last 1,000
// that ended are in memory; those that ended go to the store, a batch at a time, and nobody waits
// for that. Whoever lists them joins both (core/calls/call_query.hpp).
//
// Spawned and stopped with the broker. What ended in the last moments before a crash is in no batch
// yet, and lost; a stop in good order sends SaveCalls first.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "actors/calls/call_events.hpp"
#include "actors/messages/messages.hpp"

namespace signalbox::actors {

inline constexpr std::size_t call_rows_kept = 1000;
/// Rows in one write, at most.
inline constexpr std::size_t call_rows_per_write = 256;
/// How long a row that ended waits for others to share its write. With the store's own patience
/// (call_rows_patience) it is what a crash may cost.
inline constexpr std::chrono::milliseconds call_write_delay{200};
/// Rows that ended and are not on the disk. When there are as many the store does not keep up, and
/// those that end then are in memory only.
inline constexpr std::size_t unwritten_calls_max = 10'000;

class MetricsState {
 public:
  explicit MetricsState(MetricsActor::pointer self) : x_self{self} {}
  static inline const char* name = "metrics";

  MetricsActor::behavior_type make_behavior(StoreActor store, std::size_t rows_kept);

 private:
  void change(std::shared_ptr<const CallRow> row);
  void keep(std::shared_ptr<const CallRow> row);
  void write();
  /// Forgets rows that ended, the first ones first, but none that is not on the disk yet.
  void forget_surplus();
  void forget_before(WallTime before);
  [[nodiscard]] CallPage list(const CallQuery& query) const;

  MetricsActor::pointer x_self;
  StoreActor x_store;
  std::size_t x_rows_kept = 0;
  /// By id, which is by time. Calls still under way are kept however many there are.
  std::map<TaskId, std::shared_ptr<const CallRow>> x_rows;
  /// Ended ones, in the order they ended.
  std::deque<TaskId> x_finished;
  /// The last of them: not sent to the store, and sent but not answered.
  std::vector<std::shared_ptr<const CallRow>> x_unwritten;
  std::size_t x_in_commit = 0;
  bool x_is_write_due = false;
  CallEvents x_events;
};

/// @param rows_kept calls that ended and can be listed from memory.
MetricsActor::behavior_type metrics_actor(MetricsActor::stateful_pointer<MetricsState> self,
                                          StoreActor store, std::size_t rows_kept);

}  // namespace signalbox::actors
