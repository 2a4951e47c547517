// Call rows (mission A9): the last 1,000 in memory, every call of any kind, newest first.
// Spawned and stopped with the broker; holds nothing that must survive.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "actors/call_events.hpp"
#include "actors/messages.hpp"

namespace signalbox::actors {

inline constexpr std::size_t call_rows_kept = 1000;

class MetricsState {
 public:
  explicit MetricsState(MetricsActor::pointer self) : x_self{self} {}
  static inline const char* name = "metrics";

  MetricsActor::behavior_type make_behavior(std::size_t rows_kept);

 private:
  void change(std::shared_ptr<const CallRow> row);
  [[nodiscard]] CallPage list(const ListCalls& query) const;

  MetricsActor::pointer x_self;
  std::size_t x_rows_kept = 0;
  /// By id, which is by time. Calls still under way are kept however many there are.
  std::map<IdBytes, std::shared_ptr<const CallRow>> x_rows;
  /// Finished ones, in the order they finished: the first goes when there are more than
  /// `x_rows_kept`.
  std::deque<IdBytes> x_finished;
  CallEvents x_events;
};

/// @param rows_kept finished calls that can still be listed.
MetricsActor::behavior_type metrics_actor(MetricsActor::stateful_pointer<MetricsState> self,
                                          std::size_t rows_kept);

}  // namespace signalbox::actors
