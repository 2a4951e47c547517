// Goal: --watch says what changed, once. Method: literal rows and streams.
#include <catch2/catch.hpp>

#include "cli/show/render.hpp"
#include "cli/show/task_follow.hpp"

namespace signalbox::cli {
namespace {

using namespace std::chrono_literals;
using Rows = std::vector<std::string>;

const WallTime now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 4h;

GetOptions watch_of(const char* resource, OutputFormat format = OutputFormat::table) {
  GetOptions options;
  options.resource = find_resource(resource);
  options.format = format;
  options.watch = true;
  return options;
}

std::string task(const std::string& id, const std::string& status) {
  return R"({"id":")" + id + R"(","status":")" + status +
         R"(","created_at":"2026-11-21T03:59:00.000Z"})";
}

std::string event(const std::string& name, const std::string& data, const std::string& id = "") {
  return "event: " + name + "\n" + (id.empty() ? "" : "id: " + id + "\n") + "data: " + data +
         "\n\n";
}

const std::string at = R"("at":"2026-11-21T04:00:00.000Z")";

}  // namespace

TEST_CASE("render: a row again only when it changed", "[cli][watch]") {
  const GetOptions options = watch_of("tasks");
  ChangedRows changed{options};
  CHECK(changed.take({task("a", "pending")}, now) ==
        "ID  STATUS   POOL  LLM  MODEL  STREAM  AGE  WORKER\n"
        "a   pending  -     -    -      -       60s  -\n");
  CHECK(changed.take({task("a", "pending")}, now + 5s).empty());
  CHECK(changed.take({task("b", "pending"), task("a", "running")}, now + 6s) ==
        "b   pending  -     -    -      -       66s  -\n"
        "a   running  -     -    -      -       66s  -\n");
  CHECK(changed.take({task("b", "pending")}, now + 7s).empty());
}

TEST_CASE("render: other formats, row by row", "[cli][watch]") {
  const GetOptions lines = watch_of("tasks", OutputFormat::jsonl);
  ChangedRows changed{lines};
  CHECK(changed.take({task("a", "pending")}, now) == task("a", "pending") + "\n");
  CHECK(changed.take({task("a", "pending")}, now).empty());
  const GetOptions names = watch_of("tasks", OutputFormat::name);
  ChangedRows named{names};
  CHECK(named.take({task("a", "pending")}, now) == "a\n");
  CHECK(named.take({task("a", "running")}, now).empty());
}

TEST_CASE("render: no more than the screen holds", "[cli][watch]") {
  CHECK(fit_screen("abcdef\nb\n", 4, 5) == "abc…\nb\n");
  CHECK(fit_screen("a\nb\nc\n", 80, 3) == "a\nb\nc\n");
  CHECK(fit_screen("a\nb\nc\nd\n", 80, 3) == "a\nb\n2 more\n");
}

TEST_CASE("task_follow: a line per state, to the end", "[cli][watch]") {
  TaskFollow follow{OutputFormat::table};
  CHECK(follow.feed(event("status", R"({"id":"a","status":"pending",)" + at + "}", "1")) ==
        "2026-11-21T04:00:00.000Z  pending\n");
  CHECK(follow.feed(event("chunk", "{\"choices\":[]}", "2") + event("reset", "{}") + ": ping\n\n")
            .empty());
  CHECK(follow.last_event_id() == "2");
  CHECK(follow.feed(event("status", R"({"id":"a","status":"completed",)" + at + "}", "3")) ==
        "2026-11-21T04:00:00.000Z  completed\n");
  CHECK_FALSE(follow.is_over());
  CHECK(follow.feed(event("terminal", task("a", "completed"))).empty());
  REQUIRE(follow.is_over());
  CHECK(follow.ending() == Failure{ExitCode::ok, ""});
  CHECK(follow.feed(event("status", R"({"status":"pending"})")).empty());
}

TEST_CASE("task_follow: told again after a lost connection", "[cli][watch]") {
  TaskFollow follow{OutputFormat::table};
  const std::string running = event("status", R"({"id":"a","status":"running",)" + at + "}", "7");
  CHECK_FALSE(follow.feed(running).empty());
  CHECK(follow.feed(running).empty());
  CHECK(follow.feed(event("terminal", R"({"id":"a","status":"cancelled",)"
                                      R"("completed_at":"2026-11-21T04:00:01.000Z"})")) ==
        "2026-11-21T04:00:01.000Z  cancelled\n");
  CHECK(follow.ending().exit_code == ExitCode::task_failed);
}

TEST_CASE("task_follow: other formats", "[cli][watch]") {
  const std::string data = R"({"id":"a","status":"running",)" + at + "}";
  TaskFollow lines{OutputFormat::jsonl};
  CHECK(lines.feed(event("status", data)) == data + "\n");
  CHECK(lines.feed(event("terminal", task("a", "completed"))) == task("a", "completed") + "\n");
  TaskFollow words{OutputFormat::name};
  CHECK(words.feed(event("status", data)) == "running\n");
}

TEST_CASE("task_follow: why it failed", "[cli][watch]") {
  const Failure failure = ending_of(
      R"({"id":"a","status":"error","error":{"code":"worker_lost","message":"gone\u001b"}})");
  CHECK(failure.exit_code == ExitCode::task_failed);
  CHECK_THAT(failure.message,
             Catch::StartsWith("task a ended as error: gone? (worker_lost)\n  more: "));
  CHECK_THAT(ending_of(R"({"id":"a","status":"cancelled","error":null})").message,
             Catch::StartsWith("task a ended as cancelled\n"));
}

}  // namespace signalbox::cli
