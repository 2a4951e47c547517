// Goal: a slow reader is dropped at its bound, and only there. Method: pure, no waiting.
#include "http/front/reply_box.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

actors::TaskData data_of(std::size_t size) {
  return {1, make_bytes(std::string(size, 'x')), 1};
}

actors::WorkerFrame infer_of(std::size_t size) {
  return {1, actors::WorkerFrame::Infer{nullptr, make_bytes(std::string(size, 'x')), "", "", 1}};
}

std::optional<Arrival> take_now(ReplyBox& box) {
  return box.take(ReplyBox::Clock::now());
}

}  // namespace

TEST_CASE("reply_box: arrivals come out in order", "[http][reply_box]") {
  ReplyBox box;
  CHECK(box.put(actors::TaskMoved{1, nullptr, {}}));
  CHECK(box.put(data_of(10)));
  CHECK(std::holds_alternative<actors::TaskMoved>(*take_now(box)));
  CHECK(std::holds_alternative<actors::TaskData>(*take_now(box)));
  CHECK_FALSE(take_now(box).has_value());
}

TEST_CASE("reply_box: beyond the bound nothing but the end is left", "[http][reply_box]") {
  ReplyBox box{100};
  CHECK(box.put(data_of(60)));
  CHECK(box.put(data_of(40)));
  CHECK(box.put(actors::TaskMoved{1, nullptr, {}}));
  CHECK_FALSE(box.put(data_of(1)));
  CHECK(std::holds_alternative<HungUp>(*take_now(box)));
  CHECK_FALSE(take_now(box).has_value());
}

TEST_CASE("reply_box: what was read does not count", "[http][reply_box]") {
  ReplyBox box{100};
  for (int round = 0; round < 3; ++round) {
    CHECK(box.put(data_of(100)));
    CHECK(take_now(box).has_value());
  }
}

TEST_CASE("reply_box: request bodies of a channel count, one alone always fits",
          "[http][reply_box]") {
  ReplyBox box{100};
  CHECK(box.put(infer_of(500)));
  CHECK(box.put(actors::WorkerFrame{1, actors::WorkerFrame::Cancel{}}));
  CHECK_FALSE(box.put(infer_of(1)));
  ReplyBox unbounded{any_unread_bytes};
  CHECK(unbounded.put(data_of(500)));
  CHECK(unbounded.put(data_of(500)));
}

}  // namespace signalbox::http
