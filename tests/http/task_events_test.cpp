// Goal: a reader of a task's stream sees each state and chunk once, also when it was cut off in
// between. Method: pure, literal text.
#include "http/surfaces/task_events.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

const WallTime noon{std::chrono::milliseconds{1'795'000'000'000}};

Task task_in(TaskState state, std::uint32_t attempts) {
  Task task;
  task.id = *TaskId::parse("01890000-0000-7000-8000-000000000001");
  task.state = state;
  task.attempts = attempts;
  task.completed_at = noon;
  return task;
}

std::string status_event(const std::string& id, const std::string& word) {
  return "event: status\nid: " + id +
         "\ndata: {\"id\":\"01890000-0000-7000-8000-000000000001\",\"status\":\"" + word +
         "\",\"at\":\"2026-11-18T11:06:40.000Z\"}\n\n";
}

std::string chunk_event(const std::string& id, const std::string& data) {
  return "event: chunk\nid: " + id + "\ndata: " + data + "\n\n";
}

std::string reset_event(const std::string& id, int attempt) {
  return "event: reset\nid: " + id +
         "\ndata: {\"id\":\"01890000-0000-7000-8000-000000000001\",\"attempt\":" +
         std::to_string(attempt) + "}\n\n";
}

}  // namespace

TEST_CASE("task_events: states, chunks and the end, numbered", "[http][task_events]") {
  TaskEvents events;
  CHECK(events.moved(task_in(TaskState::pending, 0), noon) == status_event("0.0.0", "pending"));
  CHECK(events.moved(task_in(TaskState::claimed, 1), noon) == status_event("1.0.1", "claimed"));
  CHECK(events.moved(task_in(TaskState::running, 1), noon) == status_event("1.0.2", "running"));
  CHECK(events.passed("data: a\n\n: note\n\ndata: b\ndata: c\n\n", 1) ==
        chunk_event("1.1.2", "a") + chunk_event("1.2.2", "b\ndata: c"));
  CHECK(events.passed("data: d\r\n\r\n", 3) == chunk_event("1.3.2", "d"));
  CHECK(events.ended(task_in(TaskState::completed, 1), "data: [DONE]\n\n", "{\n}") ==
        status_event("1.3.3", "completed") + "event: terminal\nid: 1.3.end\ndata: { }\n\n");
}

TEST_CASE("task_events: a task that was over before has only its end", "[http][task_events]") {
  TaskEvents events;
  CHECK(events.ended(task_in(TaskState::error, 2), {}, "{}") ==
        "event: terminal\nid: 0.0.end\ndata: {}\n\n");
}

TEST_CASE("task_events: a last event that is more than a mark is a chunk", "[http][task_events]") {
  TaskEvents events;
  events.moved(task_in(TaskState::running, 1), noon);
  const auto text =
      events.ended(task_in(TaskState::completed, 1), "data: {\"type\":\"chat.end\"}\n\n", "{}");
  CHECK(text.starts_with(chunk_event("1.1.2", "{\"type\":\"chat.end\"}")));
}

TEST_CASE("task_events: a new attempt starts over", "[http][task_events]") {
  TaskEvents events;
  events.moved(task_in(TaskState::running, 1), noon);
  events.passed("data: a\n\ndata: b\n\n", 1);
  CHECK(events.reset(task_in(TaskState::pending, 1)) == reset_event("1.0.2", 1));
  CHECK(events.moved(task_in(TaskState::claimed, 2), noon) == status_event("2.0.1", "claimed"));
  events.moved(task_in(TaskState::running, 2), noon);
  CHECK(events.passed("data: a\n\n", 1) == chunk_event("2.1.2", "a"));
}

TEST_CASE("task_events: a reader that comes back gets what it has not", "[http][task_events]") {
  TaskEvents events{EventId{1, 2, TaskState::running}};
  CHECK(events.moved(task_in(TaskState::running, 1), noon).empty());
  CHECK(events.passed("data: a\n\ndata: b\n\ndata: c\n\n", 1) == chunk_event("1.3.2", "c"));
}

TEST_CASE("task_events: a state that is another is told, and keeps the place",
          "[http][task_events]") {
  TaskEvents events{EventId{1, 0, TaskState::claimed}};
  CHECK(events.moved(task_in(TaskState::running, 1), noon) == status_event("1.0.2", "running"));
  TaskEvents later{EventId{1, 2, TaskState::claimed}};
  CHECK(later.moved(task_in(TaskState::running, 1), noon) == status_event("1.2.2", "running"));
  CHECK(later.passed("data: a\n\ndata: b\n\n", 1).empty());
}

TEST_CASE("task_events: chunks of an attempt that ended meanwhile are taken back",
          "[http][task_events]") {
  TaskEvents events{EventId{1, 2, TaskState::running}};
  CHECK(events.moved(task_in(TaskState::running, 2), noon) == reset_event("2.0.2", 2));
  CHECK(events.passed("data: a\n\n", 1) == chunk_event("2.1.2", "a"));

  TaskEvents waiting{EventId{1, 2, TaskState::running}};
  CHECK(waiting.moved(task_in(TaskState::pending, 1), noon) == status_event("1.2.0", "pending"));
  CHECK(waiting.moved(task_in(TaskState::claimed, 2), noon) ==
        reset_event("2.0.0", 2) + status_event("2.0.1", "claimed"));
}

TEST_CASE("task_events: ids are read back, and nothing else is", "[http][task_events]") {
  const EventId id{3, 17, TaskState::error};
  CHECK(to_string(id) == "3.17.4");
  CHECK(parse_event_id("3.17.4") == id);
  for (const char* text : {"", "1", "1.2", "1.2.6", "1.2.3.4", "-1.0.0", "a.b.c", "1..2", " 1.2.3",
                           "99999999999.0.0"}) {
    INFO(text);
    CHECK_FALSE(parse_event_id(text).has_value());
  }
}

}  // namespace signalbox::http
