// Goal: whoever reads the answer of a background task is never shown two beginnings of it. Method:
// streams on the virtual clock that are preempted before and after their first byte.
#include <catch2/catch.hpp>

#include "tests/support/preemption_calls.hpp"

namespace signalbox::testing {

TEST_CASE("preemption: a caller who has seen a part of the answer keeps its slot",
          "[actors][preempt]") {
  HouseFixture house{preempting(2)};
  house.add_backend("alpha", 2, stream_answer(5, 1s));
  CallSpec streamed = background_task;
  streamed.is_async = false;
  streamed.streaming = true;
  const auto first = house.submit(streamed);
  house.world().advance(1500ms);
  const auto second = house.submit(streamed);
  house.world().advance(1s);
  REQUIRE(house.told(first).began);
  REQUIRE(house.told(second).began);
  const auto third_chat = house.submit(interactive_call);
  house.world().advance(1s);
  CHECK_FALSE(house.told(third_chat).is_over());
  CHECK(house.stored(third_chat).state == TaskState::pending);
  house.world().advance(20s);
  for (const auto call : {first, second}) {
    CHECK(house.told(call).code() == ErrorCode::none);
    CHECK(house.told(call).data == "e0;e1;e2;e3;e4;");
    CHECK(house.stored(call).attempts == 1);
  }
  CHECK(house.told(third_chat).code() == ErrorCode::none);
}

TEST_CASE("preemption: a caller who waits, but has seen nothing yet, is told one answer",
          "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  house.add_backend("alpha", 1, stream_answer(3, 2s));
  CallSpec streamed = background_task;
  streamed.is_async = false;
  streamed.streaming = true;
  const auto reader = house.submit(streamed);
  house.world().advance(1s);
  const auto chat = house.submit(interactive_call);
  house.world().advance(6s);
  CHECK(house.told(chat).code() == ErrorCode::none);
  CHECK(house.told(reader).data.empty());
  house.world().advance(6s);
  CHECK(house.told(reader).data == "e0;e1;e2;");
  CHECK(house.stored(reader).attempts == 2);
}

TEST_CASE("preemption: who watches a task is told that its stream starts over",
          "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  house.add_backend("alpha", 1, stream_answer(3, 2s));
  CallSpec streamed = background_task;
  streamed.streaming = true;
  const auto batch = house.submit(streamed);
  const auto watcher = house.observe(house.task_of(batch));
  house.world().advance(3s);
  REQUIRE(house.told(watcher).data == "e0;");
  house.submit(interactive_call);
  CHECK(house.told(watcher).resets == 1);
  CHECK(house.told(watcher).moves.back() == TaskState::pending);
  house.world().advance(12s);
  CHECK(house.told(watcher).data == "e0;e1;e2;");
  CHECK(*house.told(watcher).ended->body == "assembled");
}

}  // namespace signalbox::testing
