// Goal: rows of the API become the documented columns, whatever is in them. Method: literal JSON.
#include "cli/show/resources.hpp"

#include <catch2/catch.hpp>

#include "cli/client/failure.hpp"

namespace signalbox::cli {
namespace {

using Words = std::vector<std::string>;

// 2026-11-21T04:00:00Z.
const WallTime now =
    std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + std::chrono::hours{4};

}  // namespace

TEST_CASE("resources: singular, plural and long names", "[cli][resources]") {
  for (const char* name : {"task", "tasks", "inference-task", "inference-tasks"}) {
    REQUIRE(find_resource(name) != nullptr);
    CHECK(find_resource(name)->path == "/api/v1/inference-tasks");
  }
  for (const char* name : {"llm", "llms"}) CHECK(find_resource(name)->path == "/api/v1/llms");
  for (const char* name : {"profile", "profiles"}) {
    CHECK(find_resource(name)->path == "/api/v1/profiles");
  }
  for (const char* name : {"worker", "workers"}) {
    CHECK(find_resource(name)->path == "/api/v1/workers");
  }
  for (const char* name : {"agent", "agents"}) CHECK(find_resource(name)->path == "/api/v1/agents");
  for (const char* name : {"pool", "pools"}) CHECK(find_resource(name)->path == "/api/v1/pools");
  CHECK(join_resources() == "tasks, workers, llms, agents, profiles, calls and pools");
  CHECK(find_resource("Tasks") == nullptr);
  CHECK(find_resource("") == nullptr);
}

TEST_CASE("resources: headers", "[cli][resources]") {
  CHECK(headers_of(*find_resource("tasks"), false) ==
        Words{"ID", "STATUS", "POOL", "LLM", "MODEL", "STREAM", "AGE", "WORKER"});
  CHECK(headers_of(*find_resource("tasks"), true) ==
        Words{"ID", "STATUS", "POOL", "LLM", "MODEL", "STREAM", "AGE", "WORKER", "PRIORITY",
              "PROFILE", "OWNER", "AGENT", "ATTEMPTS"});
  CHECK(headers_of(*find_resource("profiles"), false) ==
        Words{"NAME", "SLOTS", "IN-FLIGHT", "INTERACTIVE", "WORKFLOW", "BACKGROUND", "MAX-QUEUED",
              "POLICY", "ADMITTED", "REJECTED"});
  CHECK(headers_of(*find_resource("workers"), false) == Words{"SESSION", "STATE", "LLMS", "BOUND",
                                                              "CAPACITY", "IN-FLIGHT", "DONE",
                                                              "FAILED", "HEARTBEAT"});
  CHECK(headers_of(*find_resource("workers"), true).back() == "ADDRESS");
  CHECK(headers_of(*find_resource("agents"), false) ==
        Words{"NAME", "TARGET", "PRIORITY", "DESCRIPTION"});
  CHECK(headers_of(*find_resource("llms"), false) ==
        Words{"NAME", "KIND", "TYPE", "MODEL", "POOL", "STATUS", "CAPACITY", "RUNNING"});
}

TEST_CASE("resources: a pool's cells, and how an LLM's breaker stands", "[cli][resources]") {
  const char* pool = R"({"name":"chat","choice":"affinity","llms":["qwen","phi"],"sessions":20})";
  CHECK(cells_of(*find_resource("pool"), pool, false, now) ==
        Words{"chat", "affinity", "qwen,phi", "20"});
  const auto wide = headers_of(*find_resource("llms"), true);
  CHECK(std::vector<std::string>(wide.end() - 4, wide.end()) ==
        Words{"TIER", "BREAKER", "FAILURES", "URL"});
  const char* llm = R"({"name":"qwen","tier":null,"breaker":"half_open","failures":6,"url":"u"})";
  const auto cells = cells_of(*find_resource("llm"), llm, true, now);
  CHECK(std::vector<std::string>(cells.end() - 4, cells.end()) == Words{"", "half_open", "6", "u"});
}

TEST_CASE("resources: a task's cells", "[cli][resources]") {
  const char* row = R"({"id":"0192","status":"running","pool":"chat","llm":null,"model":"qwen",
    "streaming":true,"created_at":"2026-11-21T03:57:00.000Z","claimed_by":"lm\u001b[31m",
    "priority":"workflow","profile":"p","owner":"local","agent":"a","attempts":2})";
  CHECK(cells_of(*find_resource("task"), row, false, now) ==
        Words{"0192", "running", "chat", "", "qwen", "yes", "3m", "lm?[31m"});
  CHECK(cells_of(*find_resource("task"), row, true, now) ==
        Words{"0192", "running", "chat", "", "qwen", "yes", "3m", "lm?[31m", "workflow", "p",
              "local", "a", "2"});
}

TEST_CASE("resources: a call's cells", "[cli][resources]") {
  const Resource& calls = *find_resource("call");
  CHECK(headers_of(calls, false) == Words{"ID", "PROFILE", "PRIORITY", "STATUS", "WAIT", "RUN",
                                          "TTFT", "MODEL", "BACKEND", "OWNER", "DESCRIPTION",
                                          "AGE"});
  const char* over = R"({"id":"c","profile":"p","priority":"workflow","status":"ok",
    "queue_wait_ms":250.5,"service_time_ms":2500,"total_latency_ms":2750.5,"model":"m",
    "backend":"b","owner":"local","description":"d\u0007","queued_at":"2026-11-21T03:57:00.000Z",
    "admitted_at":"2026-11-21T03:57:00.250Z","first_token_at":"2026-11-21T03:57:01.000Z",
    "finished_at":"2026-11-21T03:57:02.750Z","kind":"chat","streaming":true,"attempts":1})";
  CHECK(cells_of(calls, over, false, now) ==
        Words{"c", "p", "workflow", "ok", "251ms", "2.5s", "750ms", "m", "b", "local", "d?", "3m"});
  CHECK(cells_of(calls, over, true, now)[18] == "2.7s");
}

TEST_CASE("resources: spans of a call that goes on grow, others have none", "[cli][resources]") {
  const auto spans = [](const char* row) {
    const auto cells = cells_of(*find_resource("call"), row, false, now);
    return Words{cells[4], cells[5], cells[6]};
  };
  CHECK(spans(R"({"queue_wait_ms":null,"queued_at":"2026-11-21T03:59:50.000Z"})") ==
        Words{"10.0s", "", ""});
  CHECK(spans(R"({"queue_wait_ms":5,"queued_at":"2026-11-21T03:59:50.000Z",
    "admitted_at":"2026-11-21T03:59:58.000Z"})") == Words{"5ms", "2.0s", ""});
  // The daemon's clock is ahead of ours.
  CHECK(spans(R"({"queued_at":"2026-11-21T04:00:01.000Z"})")[0] == "0ms");
  // Refused at once: it never ran.
  CHECK(spans(R"({"queue_wait_ms":0,"queued_at":"2026-11-21T03:59:50.000Z","service_time_ms":null,
    "finished_at":"2026-11-21T03:59:50.000Z"})") == Words{"0ms", "", ""});
  CHECK(spans(R"({"queue_wait_ms":"x","queued_at":7})") == Words{"", "", ""});
}

TEST_CASE("resources: a profile's cells", "[cli][resources]") {
  const char* row =
      R"({"name":"p","max_concurrent":2,"max_queued":32,"policy":"strict","in_flight":1,
    "waiting":{"interactive":3,"workflow":4,"background":5},"admitted_total":6,"rejected_total":7})";
  CHECK(cells_of(*find_resource("profile"), row, false, now) ==
        Words{"p", "2", "1", "3", "4", "5", "32", "strict", "6", "7"});
}

TEST_CASE("resources: a worker's cells", "[cli][resources]") {
  const char* row = R"({"session":"s-1","llms":[{"name":"a"},{"name":"b\u001b"}],"bound":true,
    "address":"10.0.0.7","connected_at":"2026-11-21T03:00:00.000Z",
    "last_heartbeat_at":"2026-11-21T03:59:53.000Z","capacity":4,"in_flight":1,"done":12,"failed":0,
    "state":"bound"})";
  CHECK(cells_of(*find_resource("worker"), row, true, now) ==
        Words{"s-1", "bound", "a,b?", "yes", "4", "1", "12", "0", "7s", "10.0.0.7"});
  CHECK(cells_of(*find_resource("worker"), R"({"llms":["a","b"]})", false, now)[2] == "a,b");
  CHECK(cells_of(*find_resource("worker"), R"({"llms":[]})", false, now)[2].empty());
  CHECK(cells_of(*find_resource("worker"), R"({"llms":7})", false, now)[2].empty());
}

TEST_CASE("resources: an agent's target is its llm or its pool", "[cli][resources]") {
  const auto target = [](const char* row) {
    return cells_of(*find_resource("agent"), row, false, now)[1];
  };
  CHECK(target(R"({"llm":"l","pool":null})") == "l");
  CHECK(target(R"({"llm":null,"pool":"p"})") == "p");
  CHECK(target(R"({"llm":"","pool":"p"})") == "p");
  CHECK(target("{}").empty());
}

TEST_CASE("resources: rows that are not as expected have empty cells", "[cli][resources]") {
  CHECK(cells_of(*find_resource("llm"), "{}", false, now) == Words(8));
  CHECK(cells_of(*find_resource("llm"), "7", false, now) == Words(8));
  CHECK(cells_of(*find_resource("profile"), R"({"waiting":7})", false, now) == Words(10));
  CHECK(cells_of(*find_resource("task"), R"({"created_at":"soon"})", false, now)[6] == "soon");
}

TEST_CASE("failure: exit codes of the daemon's errors", "[cli][failure]") {
  const auto exit_code = [](const std::string& code, int status) {
    return to_failure(status, R"({"error":{"message":"m","code":")" + code + "\"}}").exit_code;
  };
  CHECK(exit_code("queue_full", 429) == ExitCode::rejected);
  CHECK(exit_code("draining", 503) == ExitCode::rejected);
  CHECK(exit_code("queue_wait_timeout", 503) == ExitCode::timed_out);
  CHECK(exit_code("inference_timeout", 504) == ExitCode::timed_out);
  CHECK(exit_code("task_cancelled", 409) == ExitCode::timed_out);
  CHECK(exit_code("unauthorized", 401) == ExitCode::auth);
  CHECK(exit_code("forbidden", 403) == ExitCode::auth);
  CHECK(exit_code("backend_error", 429) == ExitCode::task_failed);
  CHECK(exit_code("backend_unreachable", 502) == ExitCode::task_failed);
  CHECK(exit_code("worker_lost", 502) == ExitCode::task_failed);
  CHECK(exit_code("model_not_found", 404) == ExitCode::failure);
  CHECK(exit_code("from_the_future", 401) == ExitCode::auth);
  CHECK(exit_code("from_the_future", 429) == ExitCode::rejected);
  CHECK(exit_code("from_the_future", 500) == ExitCode::failure);
}

TEST_CASE("failure: messages", "[cli][failure]") {
  CHECK(
      to_failure(404, R"({"error":{"message":"no such \u001bmodel","code":"model_not_found"}})") ==
      Failure{ExitCode::failure, "no such ?model (model_not_found)", "model_not_found"});
  CHECK(to_failure(400, R"({"error":{"message":"m"}})").message == "m");
  CHECK(to_failure(502, "<html>\n").message == "HTTP status 502: <html>?");
  CHECK(to_failure(502, "").message == "HTTP status 502: no more was said");
  CHECK(to_failure(500, R"({"error":"x"})").message == R"(HTTP status 500: {"error":"x"})");
  CHECK(to_printable("a\xC2\x9B"
                     "31m\x7F\n",
                     true) == "a?31m?\n");
}

}  // namespace signalbox::cli
