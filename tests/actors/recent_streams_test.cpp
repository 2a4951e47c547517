// Goal: the latest streams are known, in bounded memory. Method: fill it past each bound.
#include "actors/tasks/recent_streams.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "tests/core/fixtures.hpp"

namespace signalbox::actors {
namespace {

HeldStream stream_of(std::size_t bytes) {
  return {{make_bytes(std::string(bytes / 2, 'a')), 1},
          {make_bytes(std::string(bytes - bytes / 2, 'b')), 2}};
}

TaskId id_of(std::uint64_t number) {
  return test::task_id(number);
}

}  // namespace

TEST_CASE("recent streams: kept until others have come", "[actors][recent_streams]") {
  RecentStreams recent;
  CHECK(recent.find(id_of(1)) == nullptr);
  recent.keep(id_of(1), stream_of(10));
  recent.keep(id_of(2), {});
  REQUIRE(recent.find(id_of(1)) != nullptr);
  CHECK(recent.find(id_of(1))->size() == 2);
  CHECK(recent.find(id_of(1))->back().first_event == 2);
  CHECK(recent.find(id_of(2)) == nullptr);
  CHECK(recent.bytes() == 10);
}

TEST_CASE("recent streams: the number is bounded", "[actors][recent_streams]") {
  RecentStreams recent;
  for (std::uint64_t number = 1; number <= RecentStreams::tasks_max + 3; ++number) {
    recent.keep(id_of(number), stream_of(4));
  }
  CHECK(recent.count() == RecentStreams::tasks_max);
  CHECK(recent.bytes() == 4 * RecentStreams::tasks_max);
  CHECK(recent.find(id_of(3)) == nullptr);
  CHECK(recent.find(id_of(4)) != nullptr);
}

TEST_CASE("recent streams: so are the bytes, and one that is too long is not kept",
          "[actors][recent_streams]") {
  RecentStreams recent;
  recent.keep(id_of(1), stream_of(RecentStreams::bytes_max / 2));
  recent.keep(id_of(2), stream_of(RecentStreams::bytes_max / 2));
  CHECK(recent.count() == 2);
  recent.keep(id_of(3), stream_of(1));
  CHECK(recent.find(id_of(1)) == nullptr);
  CHECK(recent.find(id_of(2)) != nullptr);
  recent.keep(id_of(4), stream_of(RecentStreams::bytes_max + 1));
  CHECK(recent.count() == 0);
  CHECK(recent.bytes() == 0);
}

TEST_CASE("recent streams: a task has one", "[actors][recent_streams]") {
  RecentStreams recent;
  recent.keep(id_of(1), stream_of(4));
  recent.keep(id_of(1), stream_of(6));
  CHECK(recent.count() == 1);
  CHECK(recent.bytes() == 4);
}

}  // namespace signalbox::actors
