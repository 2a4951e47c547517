#include "actors/calls/call_events.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace signalbox::actors {

void CallEvents::changed(MetricsActor::pointer self, const std::shared_ptr<const CallRow>& row) {
  if (row->finished_at != WallTime{}) x_calls.observe(*row);
  for (const CallWatcher& watcher : x_watchers) self->send(watcher, CallChanged{row});
}

Figures CallEvents::figures() const {
  return {std::make_shared<const CallMetrics>(x_calls), x_commits};
}

void CallEvents::watch(CallWatcher watcher) {
  if (std::find(x_watchers.begin(), x_watchers.end(), watcher) != x_watchers.end()) return;
  x_watchers.push_back(std::move(watcher));
}

void CallEvents::unwatch(const CallWatcher& watcher) {
  std::erase(x_watchers, watcher);
}

}  // namespace signalbox::actors
