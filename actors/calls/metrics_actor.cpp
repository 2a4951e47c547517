#include "actors/calls/metrics_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

namespace signalbox::actors {
namespace {

bool has_ended(const CallRow& row) {
  return row.finished_at != WallTime{};
}

}  // namespace

void MetricsState::change(std::shared_ptr<const CallRow> row) {
  x_events.changed(x_self, row);
  const TaskId id{row->id};
  auto& known = x_rows[id];
  const bool had_ended = known && has_ended(*known);
  known = row;
  if (!has_ended(*row)) return;
  if (!had_ended) x_finished.push_back(id);
  keep(std::move(row));
  forget_surplus();
}

void MetricsState::keep(std::shared_ptr<const CallRow> row) {
  if (x_unwritten.size() + x_in_commit >= unwritten_calls_max) return;
  x_unwritten.push_back(std::move(row));
  if (x_unwritten.size() >= call_rows_per_write) {
    write();
  } else if (!x_is_write_due) {
    x_is_write_due = true;
    x_self->delayed_send(x_self, call_write_delay, WriteTick{});
  }
}

void MetricsState::write() {
  if (x_unwritten.empty()) return;
  const std::size_t count = x_unwritten.size();
  x_in_commit += count;
  // The cookie says how many the answer is about.
  x_self->send(x_store, StoreWrite{PutCallRows{std::exchange(x_unwritten, {})}, x_self, count});
}

void MetricsState::forget_surplus() {
  while (x_finished.size() > x_rows_kept && x_finished.size() > x_unwritten.size() + x_in_commit) {
    x_rows.erase(x_finished.front());
    x_finished.pop_front();
  }
}

void MetricsState::forget_before(WallTime before) {
  while (!x_finished.empty()) {
    const auto place = x_rows.find(x_finished.front());
    if (place->second->finished_at >= before) return;
    x_rows.erase(place);
    x_finished.pop_front();
  }
}

CallPage MetricsState::list(const CallQuery& query) const {
  CallPageBuilder page{query};
  auto place = query.cursor ? x_rows.lower_bound(*query.cursor) : x_rows.end();
  while (place != x_rows.begin()) {
    --place;
    if (!page.wants(place->first)) break;
    page.add(place->second);
  }
  return {page.take()};
}

MetricsActor::behavior_type MetricsState::make_behavior(StoreActor store, std::size_t rows_kept) {
  x_store = std::move(store);
  x_rows_kept = rows_kept;
  return {
      [this](const StoreAnswer& message) {
        x_in_commit -= message.cookie;
        forget_surplus();
      },
      [this](CallChanged& message) { change(std::move(message.row)); },
      [this](const CollectCalls& message) { forget_before(message.before); },
      [this](WriteTick) {
        x_is_write_due = false;
        write();
      },
      [this](SaveCalls) {
        write();
        return Done{};
      },
      [this](const ListCalls& message) { return list(message.query); },
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
                                          StoreActor store, std::size_t rows_kept) {
  return self->state.make_behavior(std::move(store), rows_kept);
}

}  // namespace signalbox::actors
