// Goal: a task's history reads as one line of time, whatever of it the row tells. Method: literal
// rows.
#include "cli/show/description.hpp"

#include <catch2/catch.hpp>

#include "cli/client/json_text.hpp"
#include "cli/show/time_line.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;

const WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 4h;

std::string describe(const char* resource, std::string_view row, bool full = false) {
  return describe_row(*find_resource(resource), row, {now, full});
}

}  // namespace

TEST_CASE("time_line: spans", "[cli][time_line]") {
  CHECK(format_span(0ms) == "0ms");
  CHECK(format_span(999ms) == "999ms");
  CHECK(format_span(1000ms) == "1.0s");
  CHECK(format_span(59'999ms) == "59.9s");
  CHECK(format_span(245s) == "4m 05s");
  CHECK(format_span(123min) == "2h 03m");
}

TEST_CASE("time_line: attempts, one after the other", "[cli][time_line]") {
  CHECK(format_time_line(R"({"status":"completed","claimed_by":"w2",
    "created_at":"2026-11-21T03:57:00.000Z","claimed_at":"2026-11-21T03:57:30.000Z",
    "stream_started_at":"2026-11-21T03:57:31.500Z","completed_at":"2026-11-21T03:59:00.000Z",
    "attempt_log":[
      {"attempt":1,"backend":"qwen","claimed_by":"w1","claimed_at":"2026-11-21T03:57:00.250Z",
       "ended_at":"2026-11-21T03:57:20.250Z","outcome":"lost","error_code":"worker_lost"},
      {"attempt":2,"backend":"w2","claimed_by":"w2","claimed_at":"2026-11-21T03:57:30.000Z",
       "ended_at":"2026-11-21T03:59:00.000Z","outcome":"completed"}]})") ==
        "2026-11-21T03:57:00.000Z           created\n"
        "2026-11-21T03:57:00.250Z  +250ms   attempt 1 claimed by w1 (qwen)\n"
        "2026-11-21T03:57:20.250Z  +20.0s   attempt 1 ended: lost (worker_lost)\n"
        "2026-11-21T03:57:30.000Z  +9.7s    attempt 2 claimed by w2\n"
        "2026-11-21T03:57:31.500Z  +1.5s    stream started\n"
        "2026-11-21T03:59:00.000Z  +1m 28s  attempt 2 ended: completed\n"
        "2026-11-21T03:59:00.000Z  +0ms     completed\n"
        "in all 2m 00s\n");
}

TEST_CASE("time_line: rows that tell less", "[cli][time_line]") {
  CHECK(format_time_line("{}").empty());
  CHECK(format_time_line(R"({"created_at":"2026-11-21T03:57:00.000Z","claimed_at":null})") ==
        "2026-11-21T03:57:00.000Z     created\n");
  CHECK_THAT(format_time_line(R"({"created_at":"2026-11-21T03:57:00.000Z","attempt_log":[],
    "claimed_at":"2026-11-21T03:57:01.000Z","claimed_by":"echo\u001b"})"),
             Catch::Contains("+1.0s  claimed by echo?\n"));
  CHECK(format_time_line(R"({"attempt_log":[7,{}],"created_at":"soon"})").empty());
}

TEST_CASE("description: a task's blocks", "[cli][description]") {
  const std::string text = describe("task", R"({"id":"t1","status":"error","llm":null,
    "streaming":true,"created_at":"2026-11-21T03:57:00.000Z",
    "error":{"code":"worker_lost","message":"gone \u001b[31m"},"metadata":{"a":1},
    "request_body":{"messages":[]},"response_body":null})");
  CHECK(text ==
        "ID:         t1\n"
        "Status:     error\n"
        "LLM:        -\n"
        "Streaming:  yes\n"
        "Time line:\n"
        "  2026-11-21T03:57:00.000Z     created\n"
        "Error:\n"
        "  gone ?[31m (worker_lost)\n"
        "Metadata:\n"
        "  {\n"
        "    \"a\": 1\n"
        "  }\n"
        "Request:\n"
        "  {\n"
        "    \"messages\": []\n"
        "  }\n");
}

TEST_CASE("description: other rows as they are", "[cli][description]") {
  CHECK(describe("llm", R"({"name":"q","capacity":4,"models":["a","b"],"tags":[],"inactive_since":
    "2026-11-21T03:00:00.000Z","extra":{"x":[{}]}})") ==
        "Name:            q\n"
        "Capacity:        4\n"
        "Models:          a, b\n"
        "Tags:            -\n"
        "Inactive since:  2026-11-21T03:00:00.000Z (60m ago)\n"
        "Extra:\n"
        "  {\n"
        "    \"x\": [\n"
        "      {}\n"
        "    ]\n"
        "  }\n");
}

TEST_CASE("description: long bodies are shortened, unless all is asked for", "[cli][description]") {
  const std::string row = R"({"request_body":{"prompt":")" + std::string(5000, 'x') + "\"}}";
  CHECK_THAT(describe("task", row), Catch::Contains("--full shows all"));
  CHECK(describe("task", row).size() < 500);
  CHECK(describe("task", row, true).size() > 5000);
}

TEST_CASE("json_text: indented, its strings untouched", "[cli][json_text]") {
  CHECK(indent_json(R"( {"a":"{[\",:","b":[1, 2.50,{}],"c":[ ]} )") ==
        "{\n  \"a\": \"{[\\\",:\",\n  \"b\": [\n    1,\n    2.50,\n    {}\n  ],\n  \"c\": []\n}");
  CHECK(indent_json("null") == "null");
  CHECK(indent_json("\"a\x7F\"") == "\"a?\"");
}

TEST_CASE("json_text: shortened by lines and by width", "[cli][json_text]") {
  CHECK(shorten_text("a\nb", 2, 10) == "a\nb");
  CHECK(shorten_text("a\nb\nc", 2, 10) == "a\nb\n(shortened, 5 bytes; --full shows all)");
  CHECK_THAT(shorten_text("abcdef", 2, 4), Catch::StartsWith("abc…\n"));
  CHECK(indent_lines("a\n\nb", 2) == "  a\n\n  b\n");
}

}  // namespace signalbox::cli
