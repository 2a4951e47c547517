// Reading call rows back: what to ask for, and how a page of what is in memory and a page of what
// is on the disk become one.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/calls/call_row.hpp"

namespace signalbox {

/// Range of CallQuery::limit.
inline constexpr std::size_t call_page_max = 1000;
/// Rows that one page looks at, in memory and in the store each, before it gives up with what it
/// has and a cursor: a filter that matches little never turns into a scan of seven days.
inline constexpr std::size_t call_rows_examined_max = 10'000;

/// Which calls to list. Newest first. Empty filters do not filter.
struct CallQuery {
  std::string profile;
  std::optional<CallStatus> status;
  /// queued_at, inclusive.
  std::optional<WallTime> since;
  /// Continue after the row of this id.
  std::optional<TaskId> cursor;
  /// Range: 1..1000; others are taken as the nearest.
  std::size_t limit = 100;
};

struct CallRowPage {
  /// Newest first: by id, which is by time of arrival.
  std::vector<std::shared_ptr<const CallRow>> rows;
  /// Set when there may be more. The page has every row down to it, itself included.
  std::optional<TaskId> next_cursor;
};

/// @returns whether `row` passes all filters; cursor and limit are not looked at.
bool matches(const CallQuery& query, const CallRow& row);

/// @returns `query.limit` within its range.
std::size_t page_size(const CallQuery& query);

/// @returns the time of an id below which no row can match: ids are made just before queued_at is
/// taken, by the same clock.
WallTime oldest_id_time(const CallQuery& query);

/// Fills a page row by row.
class CallPageBuilder {
 public:
  explicit CallPageBuilder(const CallQuery& query)
      : x_query{query}, x_oldest{oldest_id_time(query)} {}

  /// To be called before each row, newest first. @returns false when the page ends before it.
  bool wants(TaskId id);
  /// Takes the row that was wanted, if it matches. One that cannot be read is not given at all.
  void add(std::shared_ptr<const CallRow> row);
  CallRowPage take() { return std::move(x_page); }

 private:
  const CallQuery& x_query;
  WallTime x_oldest;
  CallRowPage x_page;
  std::optional<TaskId> x_examined;
  std::size_t x_rows_examined = 0;
};

/// One page of two that answer the same query. A row that both have is taken from `memory`.
CallRowPage merge_pages(CallRowPage memory, CallRowPage store, const CallQuery& query);

}  // namespace signalbox
