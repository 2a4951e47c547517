// Goal: the state machine of mission B2, its stored numbers and wire words. Method: golden tables,
// spelt out here so that a change of the code's table cannot change the test's.
#include "core/tasks/task.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace signalbox::test {
namespace {

const std::vector<std::string> state_words{"pending",   "claimed", "running",
                                           "completed", "error",   "cancelled"};

}  // namespace

TEST_CASE("task: exactly the transitions of B2 are legal, out of all 36", "[core][task]") {
  // Rows: from; columns: to; both in the order of state_words.
  constexpr std::array<std::string_view, task_state_count> legal{
      ".x..xx",  // A waiter cannot run or complete without a claim.
      "xxxxxx",  // A plain call has no first byte of its own; a second claim replaces the first.
      "xx.xxx",  // Running once more is no transition.
      "......", "......", "......"};
  for (std::size_t from = 0; from < task_state_count; ++from) {
    for (std::size_t to = 0; to < task_state_count; ++to) {
      INFO(state_words[from] << " to " << state_words[to]);
      CHECK(may_go(static_cast<TaskState>(from), static_cast<TaskState>(to)) ==
            (legal[from][to] == 'x'));
    }
  }
}

TEST_CASE("task: terminal is what nothing follows", "[core][task]") {
  for (std::size_t number = 0; number < task_state_count; ++number) {
    const auto state = static_cast<TaskState>(number);
    CHECK(is_terminal(state) == (successors(state) == StateSet{}));
    CHECK(is_terminal(state) == (number >= 3));
  }
}

TEST_CASE("task: states have their stored numbers and words, both ways", "[core][task]") {
  for (std::size_t number = 0; number < state_words.size(); ++number) {
    const auto state = static_cast<TaskState>(number);
    CHECK(to_string(state) == state_words[number]);
    CHECK(parse_task_state(state_words[number]) == state);
  }
  for (const auto* word : {"", "Pending", "done", "canceled", "pending "}) {
    CHECK_FALSE(parse_task_state(word));
  }
}

TEST_CASE("task: kinds have their stored numbers and words, both ways", "[core][task]") {
  const std::vector<std::string> words{"chat", "completion", "embedding", "native_chat"};
  for (std::size_t number = 0; number < words.size(); ++number) {
    const auto kind = static_cast<TaskKind>(number);
    CHECK(to_string(kind) == words[number]);
    CHECK(parse_task_kind(words[number]) == kind);
  }
  for (const auto* word : {"", "Chat", "embeddings", "native"}) CHECK_FALSE(parse_task_kind(word));
}

TEST_CASE("task: a state set holds what it was given and nothing else", "[core][task]") {
  for (unsigned bits = 0; bits < 64; ++bits) {
    StateSet set;
    set.bits = static_cast<std::uint8_t>(bits);
    for (unsigned number = 0; number < task_state_count; ++number) {
      CHECK(set.contains(static_cast<TaskState>(number)) == ((bits >> number & 1U) != 0));
    }
  }
  CHECK(StateSet{TaskState::claimed, TaskState::cancelled}.bits == 0b100010);
  CHECK(StateSet{}.bits == 0);
}

}  // namespace signalbox::test
