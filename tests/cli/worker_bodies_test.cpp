// Goal: the bodies that go out and the members that are read are those of the contract. Method:
// literal JSON.
#include "cli/worker/worker_bodies.hpp"

#include <catch2/catch.hpp>
#include <vector>

#include "cli/worker/worker_answer.hpp"

namespace signalbox::cli {

TEST_CASE("worker_bodies: registration", "[cli][worker_bodies]") {
  WorkerOptions options;
  options.llm = "desk";
  options.model = "q\"x";
  CHECK(registration_body(options, "", LlmState::active) ==
        R"({"session":null,"llms":[{"name":"desk","type":"openai","model":"q\"x",)"
        R"("capacity":1,"status":"active"}]})");
  options.type = config::UpstreamType::llamacpp;
  options.tier = "large";
  options.pool = "qwen";
  options.capacity = 4;
  CHECK(registration_body(options, "s-1", LlmState::hibernating) ==
        R"({"session":"s-1","llms":[{"name":"desk","type":"llamacpp","model":"q\"x",)"
        R"("tier":"large","pool":"qwen","capacity":4,"status":"hibernating"}]})");
}

TEST_CASE("worker_bodies: heartbeat, chunks, ends", "[cli][worker_bodies]") {
  CHECK(heartbeat_body("desk", std::nullopt) == "{}");
  CHECK(heartbeat_body("desk", LlmState::active) ==
        R"({"llms":[{"name":"desk","status":"active"}]})");
  const std::vector<std::string> chunks{R"({"a":1})", "x\ny"};
  CHECK(chunk_body(chunks, 2) == R"({"chunks":["{\"a\":1}","x\ny"],"attempt":2})");
  CHECK(chunk_body(chunks, 0) == R"({"chunks":["{\"a\":1}","x\ny"]})");
  CHECK(done_body(1) == R"({"done":true,"attempt":1})");
  CHECK(result_body(200, R"({"b": 1.0})", 1) == R"({"status":200,"body":{"b": 1.0},"attempt":1})");
  CHECK(error_body("no", true, 0) == R"({"error":{"message":"no","retryable":true}})");
  CHECK(woken_body() == R"({"status":200})");
}

TEST_CASE("worker_bodies: failures of the local server", "[cli][worker_bodies]") {
  BackendFailed failure;
  failure.error = make_error(ErrorCode::backend_error, "too long");
  failure.error.details.emplace_back("backend_status", std::int64_t{400});
  failure.error.backend_status = 400;
  failure.error.backend_body = R"({"error":"too long"})";
  CHECK(failure_body(failure, false, 1) ==
        R"({"status":400,"body":{"error":"too long"},"attempt":1})");
  CHECK(failure_body(failure, true, 1) ==
        R"({"error":{"message":"too long","retryable":false},"attempt":1})");

  failure.error.backend_body = "";
  CHECK(failure_body(failure, false, 0) == R"({"error":{"message":"too long","retryable":false}})");

  failure.error = make_error(ErrorCode::backend_error, "broke");
  failure.error.details.emplace_back("backend_status", std::int64_t{503});
  failure.retryable = true;
  CHECK(failure_body(failure, false, 0) ==
        R"({"status":503,"body":{"error":{"message":"broke","type":"server_error"}}})");
  CHECK(failure_body(failure, true, 0) == R"({"error":{"message":"broke","retryable":true}})");

  failure.error = make_error(ErrorCode::backend_unreachable, "refused");
  CHECK(failure_body(failure, false, 0) == R"({"error":{"message":"refused","retryable":true}})");
}

TEST_CASE("worker_bodies: what the broker's answers say", "[cli][worker_bodies]") {
  CHECK(read_session(R"({"session":"s-1","llms":[]})") == "s-1");
  for (const char* body : {"", "[]", "{}", R"({"session":null})", R"({"session":"a/b"})"}) {
    CHECK_FALSE(read_session(body));
  }
  using std::chrono::milliseconds;
  CHECK(read_heartbeat_interval(R"({"heartbeat_interval_s":12.5})") == milliseconds{12'500});
  CHECK(read_heartbeat_interval(R"({"heartbeat_interval_s":0.001})") == milliseconds{1'000});
  CHECK(read_heartbeat_interval(R"({"heartbeat_interval_s":1e9})") == milliseconds{300'000});
  for (const char* body : {"", "{}", R"({"heartbeat_interval_s":"7"})",
                           R"({"heartbeat_interval_s":-1})", R"({"heartbeat_interval_s":null})"}) {
    CHECK(read_heartbeat_interval(body) == milliseconds{30'000});
  }
}

TEST_CASE("worker_bodies: kinds of answer", "[cli][worker_bodies]") {
  const auto kind = [](int status, std::string body = "") {
    return kind_of({.status = status, .body = std::move(body), .reason = {}});
  };
  CHECK(kind(200) == AnswerKind::accepted);
  CHECK(kind(201) == AnswerKind::accepted);
  CHECK(kind(409) == AnswerKind::conflict);
  CHECK(kind(404) == AnswerKind::session_gone);
  CHECK(kind(404, R"({"error":{"code":"session_not_found"}})") == AnswerKind::session_gone);
  CHECK(kind(404, R"({"error":{"code":"task_not_found"}})") == AnswerKind::conflict);
  CHECK(kind(401) == AnswerKind::unauthorized);
  CHECK(kind(403) == AnswerKind::unauthorized);
  CHECK(kind(429) == AnswerKind::later);
  CHECK(kind(503) == AnswerKind::later);
  CHECK(kind(500) == AnswerKind::unknown);
  CHECK(kind(400) == AnswerKind::refused);
  CHECK(kind(413) == AnswerKind::refused);
  CHECK(kind_of({.status = 0, .body = "", .may_have_arrived = true, .reason = ""}) ==
        AnswerKind::unknown);
  CHECK(kind_of({.status = 0, .body = "", .may_have_arrived = false, .reason = ""}) ==
        AnswerKind::later);
}

}  // namespace signalbox::cli
