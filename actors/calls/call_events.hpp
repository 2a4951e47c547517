// What happens with a call row when it changes, beside being kept: it is counted when the call has
// ended, and passed on to whoever watches. Part of the MetricsActor.
#pragma once

#include <memory>
#include <vector>

#include "actors/messages/messages.hpp"

namespace signalbox::actors {

class CallEvents {
 public:
  void changed(MetricsActor::pointer self, const std::shared_ptr<const CallRow>& row);
  void committed(Duration took) { x_commits.observe(to_seconds(took)); }
  [[nodiscard]] Figures figures() const;

  void watch(CallWatcher watcher);
  void unwatch(const CallWatcher& watcher);

 private:
  CallMetrics x_calls;
  Histogram x_commits{own_seconds_bounds};
  /// The event stream's, and plugins'.
  std::vector<CallWatcher> x_watchers;
};

}  // namespace signalbox::actors
