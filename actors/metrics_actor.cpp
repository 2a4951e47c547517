#include "actors/metrics_actor.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace signalbox::actors {

void MetricsState::change(std::shared_ptr<const CallRow> row) {
  const bool is_finished = row->finished_at != WallTime{};
  x_events.changed(x_self, row);
  const IdBytes id = row->id;
  x_rows[id] = std::move(row);
  if (!is_finished) return;
  x_finished.push_back(id);
  if (x_finished.size() <= x_rows_kept) return;
  x_rows.erase(x_finished.front());
  x_finished.pop_front();
}

CallPage MetricsState::list(const ListCalls& query) const {
  CallPage page;
  auto place = query.cursor ? x_rows.lower_bound(query.cursor->bytes) : x_rows.end();
  while (place != x_rows.begin()) {
    --place;
    const CallRow& row = *place->second;
    if (!query.profile.empty() && row.profile != query.profile) continue;
    if (query.status && row.status != *query.status) continue;
    if (query.since && row.queued_at < *query.since) continue;
    if (page.rows.size() == query.limit) {
      page.next_cursor = TaskId{page.rows.back()->id};
      break;
    }
    page.rows.push_back(place->second);
  }
  return page;
}

MetricsActor::behavior_type MetricsState::make_behavior(std::size_t rows_kept) {
  x_rows_kept = rows_kept;
  return {
      [this](CallChanged& message) { change(std::move(message.row)); },
      [this](const ListCalls& query) { return list(query); },
      [this](const CommitMeasured& message) { x_events.committed(message.took); },
      [this](GetFigures) { return x_events.figures(); },
      [this](WatchCalls& message) {
        x_events.watch(std::move(message.watcher));
        return Done{};
      },
      [this](const UnwatchCalls& message) { x_events.unwatch(message.watcher); },
  };
}

MetricsActor::behavior_type metrics_actor(MetricsActor::stateful_pointer<MetricsState> self,
                                          std::size_t rows_kept) {
  return self->state.make_behavior(rows_kept);
}

}  // namespace signalbox::actors
