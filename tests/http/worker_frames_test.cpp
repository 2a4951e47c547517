// Goal: broker and worker understand each other, and what a worker gets wrong is told to it by
// name. Method: pure, literal text.
#include "http/surfaces/worker_frames.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {
namespace {

using Frame = actors::WorkerFrame;
using Outcome = actors::WorkerResult;
constexpr std::string_view task_id = "01890000-0000-7000-8000-000000000001";

template <class Each>
std::string text_of(Each each) {
  return frame_event(Frame{1, std::move(each)});
}

template <class Message>
std::string param_of(const Result<Message>& message) {
  REQUIRE(message.has_error());
  CHECK(message.error().code == ErrorCode::invalid_request);
  return message.error().param;
}

}  // namespace

TEST_CASE("worker_frames: an infer event carries the caller's body for the worker's model",
          "[http][worker_frames]") {
  Task task;
  task.id = *TaskId::parse(task_id);
  task.streaming = true;
  task.inference_ms = 1500;
  const std::string body = "{\"model\":\"pool\",\r\n \"temperature\":1.0e0}";
  const std::string text = text_of(
      Frame::Infer{std::make_shared<const Task>(task), make_bytes(body), "my-llm", "qwen:8b", 2});
  CHECK(text ==
        "event: infer\ndata: {\"task\":\"01890000-0000-7000-8000-000000000001\",\"llm\":\"my-llm\","
        "\"model\":\"qwen:8b\",\"kind\":\"chat\",\"request\":{\"model\":\"qwen:8b\",   "
        "\"temperature\":1.0e0},\"streaming\":true,\"inference_s\":1.5,\"attempt\":2}\n\n");
}

TEST_CASE("worker_frames: wake, cancel and drain", "[http][worker_frames]") {
  const auto id = *TaskId::parse(task_id);
  CHECK(text_of(Frame::Wake{id, "m"}) ==
        "event: wake\ndata: {\"task\":\"01890000-0000-7000-8000-000000000001\",\"llm\":\"m\"}\n\n");
  CHECK(text_of(Frame::Cancel{id}) ==
        "event: cancel\ndata: {\"task\":\"01890000-0000-7000-8000-000000000001\"}\n\n");
  CHECK(text_of(Frame::Drain{}) == "event: drain\ndata: {}\n\n");
  CHECK(text_of(Frame::Drain{true}) == "retry: 1000\nevent: drain\ndata: {}\n\n");
}

TEST_CASE("worker_frames: a registration names its LLMs", "[http][worker_frames]") {
  const auto read = read_registration(
      R"({"session":null,"llms":[{"name":"a","type":"vllm","model":"m","capacity":4,"pool":"p"},
          {"name":"b","model":"n","status":"hibernating","tier":"large","later":1}],"version":2})");
  REQUIRE(read.has_value());
  CHECK(read->key.session.is_nil());
  REQUIRE(read->llms.size() == 2);
  CHECK(read->llms[0] == OfferedLlm{"a", "vllm", "m", "", "p", 4, LlmStatus::active});
  CHECK(read->llms[1] == OfferedLlm{"b", "", "n", "large", "", 1, LlmStatus::hibernating});
}

TEST_CASE("worker_frames: a session that is no id is taken as new", "[http][worker_frames]") {
  const auto registration = [](const std::string& session) {
    return read_registration("{\"session\":" + session + R"(,"llms":[{"name":"a","model":"m"}]})");
  };
  CHECK(registration("\"my laptop\"")->key.session.is_nil());
  CHECK(registration("\"01890000-0000-7000-8000-000000000001\"")->key.session.to_string() ==
        task_id);
  CHECK(param_of(registration("7")) == "session");
}

TEST_CASE("worker_frames: what cannot be registered is named", "[http][worker_frames]") {
  const auto param = [](std::string_view body) { return param_of(read_registration(body)); };
  CHECK(param("{}") == "llms");
  CHECK(param(R"({"llms":{}})") == "llms");
  CHECK(param(R"({"llms":["a"]})") == "llms");
  CHECK(param(R"({"llms":[{"model":"m"}]})") == "llms.name");
  CHECK(param(R"({"llms":[{"name":"a"}]})") == "llms.model");
  CHECK(param(R"({"llms":[{"name":"a","model":1}]})") == "llms.model");
  CHECK(param(R"({"llms":[{"name":"a","model":"m","capacity":1.5}]})") == "llms.capacity");
  CHECK(param(R"({"llms":[{"name":"a","model":"m","capacity":0}]})") == "llms.capacity");
  CHECK(param(R"({"llms":[{"name":"a","model":"m","status":"asleep"}]})") == "llms.status");
  CHECK(read_registration("[]").error().code == ErrorCode::invalid_json);
}

TEST_CASE("worker_frames: a heartbeat may say nothing, or the state of LLMs",
          "[http][worker_frames]") {
  CHECK(read_heartbeat("")->llms.empty());
  CHECK(read_heartbeat("{}")->llms.empty());
  const auto read = read_heartbeat(R"({"llms":[{"name":"a","status":"hibernating"}]})");
  REQUIRE(read.has_value());
  REQUIRE(read->llms.size() == 1);
  CHECK(read->llms[0] == std::pair{std::string{"a"}, LlmStatus::hibernating});
  CHECK(param_of(read_heartbeat(R"({"llms":[{"status":"active"}]})")) == "llms.name");
}

TEST_CASE("worker_frames: chunks come alone or as a list, without the end mark",
          "[http][worker_frames]") {
  CHECK(read_chunks(R"({"data":"{\"a\":1}"})")->data == std::vector<std::string>{"{\"a\":1}"});
  const auto list = read_chunks(R"({"chunks":["a","b","[DONE]"],"attempt":2})");
  CHECK(list->data == std::vector<std::string>{"a", "b"});
  CHECK(list->attempt == 2U);
  CHECK(param_of(read_chunks("{}")) == "chunks");
  CHECK(param_of(read_chunks(R"({"data":"a","chunks":[]})")) == "data");
  CHECK(param_of(read_chunks(R"({"data":{}})")) == "data");
  CHECK(param_of(read_chunks(R"({"chunks":[1]})")) == "chunks");
  CHECK(param_of(read_chunks(R"({"data":"a","attempt":"x"})")) == "attempt");
}

TEST_CASE("worker_frames: a result is a whole body, or the end of a stream",
          "[http][worker_frames]") {
  const auto whole = read_result(R"({"status":200,"body":{"x": 1e2},"attempt":3})");
  REQUIRE(whole.has_value());
  CHECK(whole->attempt == 3U);
  const auto* body = std::get_if<Outcome::Whole>(&whole->outcome);
  REQUIRE(body != nullptr);
  CHECK(body->status == 200);
  CHECK(*body->body == R"({"x": 1e2})");
  const auto woken = read_result(R"({"status":200})");
  REQUIRE(std::holds_alternative<Outcome::Whole>(woken->outcome));
  CHECK(std::get<Outcome::Whole>(woken->outcome).body == nullptr);
  CHECK(std::holds_alternative<Outcome::StreamDone>(read_result(R"({"done":true})")->outcome));
}

TEST_CASE("worker_frames: a failed status is judged as an upstream's would be",
          "[http][worker_frames]") {
  const auto failure = [](std::string_view body) {
    const auto read = read_result(body);
    REQUIRE(read.has_value());
    REQUIRE(std::holds_alternative<BackendFailed>(read->outcome));
    return std::get<BackendFailed>(read->outcome);
  };
  const auto refused = failure(R"({"status":422,"body":{"error":{"message":"too long"}}})");
  CHECK(refused.error.code == ErrorCode::backend_error);
  CHECK(refused.error.message == "too long");
  CHECK(refused.error.backend_status == 422);
  CHECK(refused.error.from_backend);
  CHECK_FALSE(refused.retryable);
  CHECK(failure(R"({"status":429})").retryable);
  CHECK(failure(R"({"status":503})").retryable);
  const auto said = failure(R"({"error":{"message":"out of memory","retryable":true}})");
  CHECK(said.error.code == ErrorCode::backend_error);
  CHECK(said.error.message == "out of memory");
  CHECK(said.error.from_backend);
  CHECK(said.retryable);
  CHECK_FALSE(failure(R"({"error":{}})").retryable);
}

TEST_CASE("worker_frames: a result says one thing", "[http][worker_frames]") {
  const auto param = [](std::string_view body) { return param_of(read_result(body)); };
  CHECK(param("{}") == "status");
  CHECK(param(R"({"status":200,"done":true})") == "status");
  CHECK(param(R"({"done":false})") == "done");
  CHECK(param(R"({"status":99})") == "status");
  CHECK(param(R"({"status":"200"})") == "status");
  CHECK(param(R"({"error":"x"})") == "error");
  CHECK(param(R"({"error":{"retryable":1}})") == "error.retryable");
}

}  // namespace signalbox::http
