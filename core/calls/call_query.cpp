#include "core/calls/call_query.hpp"

#include <algorithm>

namespace signalbox {
namespace {

/// From an id's making to queued_at; a request that takes longer to reach the broker is lost.
constexpr std::chrono::minutes id_lead_max{1};

TaskId id_of(const std::shared_ptr<const CallRow>& row) {
  return TaskId{row->id};
}

}  // namespace

bool matches(const CallQuery& query, const CallRow& row) {
  if (!query.profile.empty() && row.profile != query.profile) return false;
  if (query.status && row.status != *query.status) return false;
  return !query.since || row.queued_at >= *query.since;
}

std::size_t page_size(const CallQuery& query) {
  return std::clamp<std::size_t>(query.limit, 1, call_page_max);
}

WallTime oldest_id_time(const CallQuery& query) {
  if (!query.since) return WallTime::min();
  if (*query.since < WallTime::min() + id_lead_max) return WallTime::min();
  return *query.since - id_lead_max;
}

bool CallPageBuilder::wants(TaskId id) {
  if (id.created_at() < x_oldest) return false;
  if (x_page.rows.size() == page_size(x_query) || x_rows_examined == call_rows_examined_max) {
    x_page.next_cursor = x_examined;
    return false;
  }
  x_examined = id;
  ++x_rows_examined;
  return true;
}

void CallPageBuilder::add(std::shared_ptr<const CallRow> row) {
  if (matches(x_query, *row)) x_page.rows.push_back(std::move(row));
}

CallRowPage merge_pages(CallRowPage memory, CallRowPage store, const CallQuery& query) {
  CallRowPage merged;
  // Below the higher of the two cursors one of them may lack rows.
  merged.next_cursor = std::max(memory.next_cursor, store.next_cursor);
  auto in_memory = memory.rows.begin();
  auto in_store = store.rows.begin();
  while (in_memory != memory.rows.end() || in_store != store.rows.end()) {
    const bool is_memory_next =
        in_store == store.rows.end() ||
        (in_memory != memory.rows.end() && id_of(*in_memory) >= id_of(*in_store));
    auto& row = is_memory_next ? *in_memory++ : *in_store++;
    const bool is_repeat = !merged.rows.empty() && merged.rows.back()->id == row->id;
    if (is_repeat) continue;
    if (merged.next_cursor && id_of(row) < *merged.next_cursor) break;
    if (merged.rows.size() == page_size(query)) {
      merged.next_cursor = id_of(merged.rows.back());
      break;
    }
    merged.rows.push_back(std::move(row));
  }
  return merged;
}

}  // namespace signalbox
