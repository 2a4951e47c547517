// Goal: a list of calls is one list, though a part of it is in memory and a part on the disk: page
// by page nothing twice, nothing left out. Method: random splits of a set of rows over the two,
// each paged through under every kind of filter, against a plain filter over the whole set.
#include "core/calls/call_query.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

namespace signalbox::test {
namespace {

using Rows = std::vector<std::shared_ptr<const CallRow>>;

WallTime at_ms(std::int64_t ms) {
  return WallTime{std::chrono::milliseconds{ms}};
}

/// Rising with `number`, made `number` seconds after 1970.
TaskId id_of(std::uint32_t number) {
  TaskId id;
  std::uint64_t ms = std::uint64_t{number} * 1000;
  for (std::size_t index = 6; index-- > 0; ms >>= 8U) {
    id.bytes[index] = static_cast<std::uint8_t>(ms);
  }
  return id;
}

std::shared_ptr<CallRow> row_of(std::uint32_t number) {
  auto row = std::make_shared<CallRow>();
  row->id = id_of(number).bytes;
  row->profile = number % 3 == 0 ? "rare" : "common";
  row->status = number % 5 == 0 ? CallStatus::error : CallStatus::ok;
  row->queued_at = at_ms(number * 1000 + 7);
  return row;
}

/// What a place with these rows, newest first, answers.
CallRowPage page_of(const Rows& rows, const CallQuery& query) {
  CallPageBuilder page{query};
  for (const auto& row : rows) {
    const TaskId id{row->id};
    if (query.cursor && id >= *query.cursor) continue;
    if (!page.wants(id)) break;
    page.add(row);
  }
  return page.take();
}

std::vector<IdBytes> ids_of(const Rows& rows) {
  std::vector<IdBytes> ids;
  for (const auto& row : rows) ids.push_back(row->id);
  return ids;
}

std::vector<CallQuery> queries() {
  std::vector<CallQuery> all;
  for (unsigned mask = 0; mask < 8; ++mask) {
    CallQuery query;
    if ((mask & 1U) != 0) query.profile = "rare";
    if ((mask & 2U) != 0) query.status = CallStatus::error;
    if ((mask & 4U) != 0) query.since = at_ms(150'007);
    all.push_back(query);
  }
  return all;
}

}  // namespace

TEST_CASE("call_query: memory and store page as one list", "[core][call_query]") {
  std::mt19937 random{20261121};
  for (int round = 0; round < 60; ++round) {
    Rows all;
    Rows memory;
    Rows store;
    for (std::uint32_t number = 300; number > 0; --number) {
      const auto row = row_of(number);
      all.push_back(row);
      const auto where = random() % 3;
      if (where != 0) memory.push_back(row);
      if (where != 1) store.push_back(row);
    }
    for (CallQuery query : queries()) {
      query.limit = 1 + random() % 40;
      Rows expected;
      for (const auto& row : all) {
        if (matches(query, *row)) expected.push_back(row);
      }
      Rows seen;
      int pages = 0;
      do {
        const auto page = merge_pages(page_of(memory, query), page_of(store, query), query);
        REQUIRE(page.rows.size() <= query.limit);
        seen.insert(seen.end(), page.rows.begin(), page.rows.end());
        query.cursor = page.next_cursor;
        REQUIRE(++pages < 1000);
      } while (query.cursor);
      REQUIRE(ids_of(seen) == ids_of(expected));
    }
  }
}

TEST_CASE("call_query: of a row that is in both, memory's is shown", "[core][call_query]") {
  const auto older = row_of(1);
  const auto newer = row_of(1);
  newer->attempts = 2;
  const CallQuery query;
  const auto page = merge_pages({{newer}, {}}, {{older}, {}}, query);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0]->attempts == 2);
  CHECK_FALSE(page.next_cursor);
}

TEST_CASE("call_query: a page ends where one of the two has not looked yet", "[core][call_query]") {
  const CallQuery query;
  // The store gave up at 5, with nothing to show; memory goes on to 2.
  const auto page = merge_pages({{row_of(9), row_of(2)}, {}}, {{}, id_of(5)}, query);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0]->id == id_of(9).bytes);
  CHECK(page.next_cursor == id_of(5));
}

TEST_CASE("call_query: since is inclusive, and ends the walk", "[core][call_query]") {
  CallQuery query;
  query.since = at_ms(200'007);
  CHECK(matches(query, *row_of(200)));
  query.since = at_ms(200'008);
  CHECK_FALSE(matches(query, *row_of(200)));
  CHECK(matches(query, *row_of(201)));

  CallPageBuilder page{query};
  CHECK(page.wants(id_of(200)));
  CHECK(page.wants(id_of(150)));
  // Over a minute earlier no id can have been made.
  CHECK_FALSE(page.wants(id_of(139)));
  CHECK_FALSE(page.take().next_cursor);

  query.since = WallTime::min();
  CHECK(CallPageBuilder{query}.wants(TaskId{}));
}

TEST_CASE("call_query: a page looks at a bounded number of rows", "[core][call_query]") {
  CallQuery query;
  query.profile = "nobody's";
  CallPageBuilder page{query};
  std::uint32_t number = 1'000'000;
  while (page.wants(id_of(number))) page.add(row_of(number--));
  CHECK(1'000'000 - number == call_rows_examined_max);
  const auto taken = page.take();
  CHECK(taken.rows.empty());
  CHECK(taken.next_cursor == id_of(number + 1));
}

TEST_CASE("call_query: a limit out of range is taken as the nearest", "[core][call_query]") {
  CallQuery query;
  query.limit = 0;
  CHECK(page_size(query) == 1);
  query.limit = 5000;
  CHECK(page_size(query) == 1000);
}

}  // namespace signalbox::test
