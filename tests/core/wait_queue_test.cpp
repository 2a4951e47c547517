// Goal: the queue is the sorted list it claims to be, holes or not. Method: named cases for the
// edges, then 1e5 random operations against a std::map.
#include "core/policies/wait_queue.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/core/fixtures.hpp"

namespace signalbox::test {
namespace {

using enum Priority;

WaitQueue::Item item(std::uint64_t sequence) {
  return {sequence, task_id(sequence)};
}

}  // namespace

TEST_CASE("wait_queue: an empty queue has no front, no size and nothing to erase",
          "[core][wait_queue]") {
  WaitQueue queue;
  CHECK_FALSE(queue.front(workflow, 0));
  CHECK_FALSE(queue.front(workflow, 99));
  CHECK(queue.size(workflow) == 0);
  CHECK(queue.size(workflow, 99) == 0);
  CHECK(queue.count_before(workflow, 99) == 0);
  CHECK_FALSE(queue.erase(workflow, 7, 1));
}

TEST_CASE("wait_queue: one that comes late goes to the place of its sequence",
          "[core][wait_queue]") {
  WaitQueue queue;
  for (const std::uint64_t sequence : {5U, 1U, 3U, 9U, 2U}) queue.push(workflow, 0, item(sequence));
  for (const std::uint64_t sequence : {1U, 2U, 3U, 5U, 9U}) {
    REQUIRE(queue.front(workflow, 0));
    CHECK(queue.front(workflow, 0)->sequence == sequence);
    CHECK(queue.front(workflow, 0)->id == task_id(sequence));
    CHECK(queue.erase(workflow, 0, sequence));
  }
  CHECK(queue.size(workflow) == 0);
}

TEST_CASE("wait_queue: classes and targets do not see each other", "[core][wait_queue]") {
  WaitQueue queue;
  queue.push(interactive, 1, item(1));
  queue.push(workflow, 0, item(2));
  queue.push(workflow, 1, item(3));
  CHECK(queue.size(interactive) == 1);
  CHECK(queue.size(workflow) == 2);
  CHECK(queue.size(workflow, 1) == 1);
  CHECK(queue.size(background) == 0);
  CHECK_FALSE(queue.front(interactive, 0));
  CHECK(queue.front(workflow, 1)->sequence == 3);
  CHECK_FALSE(queue.erase(workflow, 0, 3));
  CHECK_FALSE(queue.erase(interactive, 1, 3));
  CHECK(queue.size(workflow) == 2);
}

TEST_CASE("wait_queue: an item is erased once", "[core][wait_queue]") {
  WaitQueue queue;
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
    queue.push(workflow, 0, item(sequence));
  CHECK(queue.erase(workflow, 0, 2));
  CHECK_FALSE(queue.erase(workflow, 0, 2));
  CHECK(queue.size(workflow) == 2);
  CHECK(queue.size(workflow, 0) == 2);
  CHECK(queue.count_before(workflow, 3) == 1);
}

TEST_CASE("wait_queue: a waiter that comes back with its old sequence takes its old place",
          "[core][wait_queue]") {
  const bool comes_back = survives([] {
    WaitQueue queue;
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
      queue.push(workflow, 0, item(sequence));
    }
    queue.erase(workflow, 0, 2);
    queue.push(workflow, 0, item(2));
    queue.erase(workflow, 0, 1);
    const auto front = queue.front(workflow, 0);
    if (!front || front->sequence != 2 || queue.size(workflow) != 2) _exit(1);
  });
  CHECK(comes_back);
}

TEST_CASE("wait_queue: the nil id and a sequence that is taken are refused as bugs",
          "[core][wait_queue]") {
  CHECK_FALSE(survives([] { WaitQueue{}.push(workflow, 0, {1, TaskId{}}); }));
  CHECK_FALSE(survives([] {
    WaitQueue queue;
    queue.push(workflow, 0, item(1));
    queue.push(workflow, 0, item(1));
  }));
}

TEST_CASE("wait_queue: holes far beyond what is kept change no answer", "[core][wait_queue]") {
  WaitQueue queue;
  constexpr std::uint64_t count = 1000;
  for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
    queue.push(background, 0, item(sequence));
  }
  // Both ends stay, so that nothing is trimmed and every erasure leaves a hole.
  for (std::uint64_t sequence = 2; sequence < count; ++sequence) {
    if (sequence % 10 == 0) continue;
    REQUIRE(queue.erase(background, 0, sequence));
    REQUIRE(queue.size(background) == queue.size(background, 0));
  }
  CHECK(queue.size(background) == 101);
  CHECK(queue.count_before(background, 500) == 50);
  CHECK(queue.count_before(background, 501) == 51);
  CHECK(queue.count_before(background, count + 1) == 101);
  CHECK(queue.erase(background, 0, 1));
  CHECK(queue.front(background, 0)->sequence == 10);
}

TEST_CASE("wait_queue: 1e5 random operations agree with a std::map", "[core][wait_queue][random]") {
  std::mt19937_64 random{20240607};
  WaitQueue queue;
  // Class, target, sequence.
  std::map<std::tuple<Priority, TargetIndex, std::uint64_t>, TaskId> oracle;
  // Reserved and not yet pushed, as a profile's callers are while their rows go to the disk.
  std::vector<std::uint64_t> late;
  std::uint64_t next_sequence = 1;
  std::size_t erased = 0;
  constexpr std::size_t operation_count = 100'000;
  for (std::size_t operation = 0; operation < operation_count; ++operation) {
    const Priority priority = all_priorities[random() % 3];
    const auto target = static_cast<TargetIndex>(random() % 4);
    // Alternates between filling and draining, so that both deep queues and empty ones are met.
    const bool is_filling = operation / 5000 % 2 == 0;
    const auto dice = random() % 100;
    if (dice < (is_filling ? 60U : 30U)) {
      std::uint64_t sequence = next_sequence++;
      if (random() % 8 == 0) {
        late.push_back(sequence);
        continue;
      }
      if (!late.empty() && random() % 8 == 0) {
        std::swap(late.back(), sequence);
        std::swap(late[random() % late.size()], late.back());
      }
      queue.push(priority, target, item(sequence));
      oracle[{priority, target, sequence}] = task_id(sequence);
    } else if (dice < 90 && !oracle.empty()) {
      const std::uint64_t wanted = random() % next_sequence;
      auto place = oracle.lower_bound({priority, target, wanted});
      if (place == oracle.end()) place = oracle.begin();
      const auto [p, t, sequence] = place->first;
      REQUIRE(queue.erase(p, t, sequence));
      REQUIRE_FALSE(queue.erase(p, t, sequence));
      oracle.erase(place);
      ++erased;
    } else {
      // Mostly not there: never pushed, erased, or another lane's.
      const std::uint64_t sequence = random() % (next_sequence + 10);
      const bool is_there = oracle.erase({priority, target, sequence}) > 0;
      REQUIRE(queue.erase(priority, target, sequence) == is_there);
    }
    const auto first = oracle.lower_bound({priority, target, 0});
    const bool has_front = first != oracle.end() && std::get<0>(first->first) == priority &&
                           std::get<1>(first->first) == target;
    const auto front = queue.front(priority, target);
    REQUIRE(front.has_value() == has_front);
    if (front) REQUIRE(front->sequence == std::get<2>(first->first));
    if (front) REQUIRE(front->id == first->second);
    if (operation % 50 != 0) continue;
    const std::uint64_t sequence = random() % (next_sequence + 2);
    std::size_t before = 0;
    std::size_t in_class = 0;
    std::size_t in_lane = 0;
    for (const auto& [key, id] : oracle) {
      if (std::get<0>(key) != priority) continue;
      ++in_class;
      if (std::get<1>(key) == target) ++in_lane;
      if (std::get<2>(key) < sequence) ++before;
    }
    REQUIRE(queue.size(priority) == in_class);
    REQUIRE(queue.size(priority, target) == in_lane);
    REQUIRE(queue.count_before(priority, sequence) == before);
  }
  CHECK(erased > 20'000);
}

}  // namespace signalbox::test
