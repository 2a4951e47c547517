// Goal: what the daemon told becomes a screen that fits, whatever was told. Method: literal JSON.
#include "cli/show/top_frame.hpp"

#include <catch2/catch.hpp>

#include "cli/client/table.hpp"
#include "http/text/json_members.hpp"

namespace signalbox::cli {
namespace {

// 2026-11-21T04:00:00Z.
const WallTime now =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours{4};

const char* const busy = R"({"version":"0.1.0","uptime_s":7300,
  "profiles":{"chat":{"name":"chat","max_concurrent":1,"in_flight":1,"policy":"strict",
    "waiting":{"interactive":2,"workflow":3,"background":0},"estimated_wait_s":12.5,
    "admitted_total":40,"rejected_total":2}},
  "calls":[
    {"id":"w-2","status":"queued","profile":"chat","priority":"workflow",
     "queued_at":"2026-11-21T03:59:58.000Z"},
    {"id":"i-2","status":"queued","profile":"chat","priority":"interactive",
     "queued_at":"2026-11-21T03:59:57.000Z"},
    {"id":"i-1","status":"queued","profile":"chat","priority":"interactive",
     "queued_at":"2026-11-21T03:59:56.000Z"},
    {"id":"old","status":"ok","profile":"chat","priority":"workflow"},
    {"id":"run","status":"running","profile":"chat","priority":"workflow","queue_wait_ms":500,
     "admitted_at":"2026-11-21T03:59:50.000Z","description":"d\u001b[2J","model":"m"}],
  "llms":[{"name":"qwen","kind":"upstream","status":"active","running":1,"capacity":1}],
  "workers":[{"session":"s","state":"bound","llms":[{"name":"a"}],
    "last_heartbeat_at":"2026-11-21T03:59:53.000Z"}]})";

std::vector<std::string> frame(std::string state, FrameSize size = {}) {
  REQUIRE_FALSE(http::check_json(state).has_error());
  return make_frame({"http://h:1", std::move(state)}, size, now);
}

/// @returns the first line that begins with `word`, or "".
std::string line_with(const std::vector<std::string>& lines, const std::string& word) {
  for (const std::string& line : lines) {
    if (line.starts_with(word)) return line;
  }
  return "";
}

}  // namespace

TEST_CASE("top: the whole picture", "[cli][top]") {
  const auto lines = frame(busy);
  CHECK(lines[0] == "signalbox 0.1.0 at http://h:1, up 2h");
  CHECK(lines[1] ==
        "in flight 1, waiting 5 (interactive 2, workflow 3, background 0), profiles 1, llms 1, "
        "workers 1");
  CHECK_THAT(line_with(lines, "chat"), Catch::Contains("12.5") && Catch::Contains("strict"));
  CHECK_THAT(line_with(lines, "qwen"), Catch::Contains("upstream  active"));
  CHECK_THAT(line_with(lines, "s "), Catch::Contains("bound") && Catch::Contains("7s"));
  CHECK(line_with(lines, "old").empty());
}

TEST_CASE("top: live calls are in the order of admission, with their place", "[cli][top]") {
  const auto lines = frame(busy);
  std::vector<std::string> order;
  for (const std::string& line : lines) {
    for (const char* id : {"run", "i-1", "i-2", "w-2"}) {
      if (line.starts_with(id)) order.push_back(line.substr(0, 8));
    }
  }
  // Of three that wait in workflow the two older ones are not among the calls that were told.
  CHECK(order == std::vector<std::string>{"run   ru", "i-1   1 ", "i-2   2 ", "w-2   5 "});
  CHECK_THAT(line_with(lines, "run"),
             Catch::Contains("500ms") && Catch::Contains("10.0s") && Catch::Contains("d?[2J"));
  CHECK_THAT(line_with(lines, "i-1"), Catch::Contains("4.0s"));
}

TEST_CASE("top: a daemon that is away", "[cli][top]") {
  const auto lines = make_frame(
      {"http://h:1", busy, "cannot reach it\n  a hint", std::chrono::seconds{90}}, {}, now);
  CHECK(lines[1] == "no answer for 90s, asking again: cannot reach it");
}

TEST_CASE("top: every size is kept to", "[cli][top]") {
  std::string state = R"({"profiles":{},"calls":[)";
  for (int call = 0; call < 100; ++call) {
    state += (call > 0 ? "," : "") +
             (R"({"id":"call-)" + std::to_string(call) + R"(","status":"running"})");
  }
  state += R"(],"llms":[{"name":"qwen"}],"workers":[]})";
  for (const std::size_t height : {1U, 2U, 3U, 5U, 9U, 24U, 200U}) {
    for (const std::size_t width : {1U, 10U, 80U, 300U}) {
      const auto lines = frame(state, {width, height});
      CHECK(lines.size() <= height);
      CHECK_FALSE(lines.empty());
      for (const std::string& line : lines) CHECK(count_characters(line) <= width);
    }
  }
  // 24 lines: two of the head, two more for each of the two tables, one LLM.
  const auto lines = frame(state, {80, 24});
  CHECK(lines.size() == 24);
  CHECK(line_with(lines, "84 more") == "84 more");
  CHECK_FALSE(line_with(lines, "qwen").empty());
}

TEST_CASE("top: answers that are not as expected", "[cli][top]") {
  for (const char* state :
       {"{}", R"({"profiles":[],"calls":{},"llms":7,"workers":null,"uptime_s":"x"})",
        R"({"profiles":{"p":7},"calls":[7,{"status":"queued"}],"uptime_s":-1e300})"}) {
    const auto lines = frame(state, {80, 24});
    CHECK_THAT(lines[0], Catch::Contains("signalbox ? at http://h:1"));
    CHECK_THAT(lines[1], Catch::StartsWith("in flight 0, waiting 0"));
  }
}

}  // namespace signalbox::cli
