// Goal: a caller's body comes to a worker's request, with every wish kept or refused. Method: pure.
#include "http/push/push_request.hpp"

#include <catch2/catch.hpp>

#include "tests/http/push_worker_script.hpp"

namespace signalbox::http::test {

namespace {

Result<PushRequest> read(std::string members, bool streaming = false) {
  if (!members.empty()) members.insert(0, ",");
  return read_push_request(push_call(streaming, "{\"prompt\":\"p\"" + members + "}"));
}

std::string sent(std::string members) {
  return inference_body(*read(std::move(members)), "");
}

}  // namespace

TEST_CASE("push_request: the defaults are always sent", "[http][push_request]") {
  CHECK(sent("") == R"({"prompt":"p","max_tokens":1024,"temperature":1})");
  CHECK(inference_body(*read(""), "m/2") ==
        R"({"model":"m/2","prompt":"p","max_tokens":1024,"temperature":1})");
}

TEST_CASE("push_request: numbers go on as the caller wrote them", "[http][push_request]") {
  CHECK(sent(R"("max_tokens":7,"temperature":0.70,"top_p":1e-1,"top_k":-1)") ==
        R"({"prompt":"p","max_tokens":7,"temperature":0.70,"top_p":1e-1,"top_k":-1})");
  CHECK(sent(R"("max_tokens":7,"max_completion_tokens":9)") ==
        R"({"prompt":"p","max_tokens":9,"temperature":1})");
  CHECK(sent(R"("max_tokens":null,"temperature":null,"top_p":null,"seed":3,"user":"u")") ==
        R"({"prompt":"p","max_tokens":1024,"temperature":1})");
}

TEST_CASE("push_request: what is done here", "[http][push_request]") {
  CHECK(read(R"("stop":"END")")->stop == std::vector<std::string>{"END"});
  CHECK(read(R"("stop":["a","","\n"])")->stop == std::vector<std::string>{"a", "\n"});
  CHECK(read("")->stop.empty());
  CHECK(read(R"("model":"pool")")->model == "pool");
  CHECK(read("")->model == "ours");
  const std::string usage = R"("stream_options":{"include_usage":true})";
  CHECK(read(usage, true)->include_usage);
  CHECK_FALSE(read(usage, false)->include_usage);
  CHECK_FALSE(read("", true)->include_usage);
}

TEST_CASE("push_request: wishes that come to nothing are no matter", "[http][push_request]") {
  CHECK(read(R"("n":1,"best_of":1,"tools":[],"functions":[],"echo":false,"suffix":"",)"
             R"("logprobs":null,"response_format":{"type":"text"})")
            .has_value());
  CHECK(read(R"("logprobs":false,"tools":null,"audio":null,"stop":null)").has_value());
}

TEST_CASE("push_request: what cannot be kept is refused by name", "[http][push_request]") {
  struct Case {
    std::string member;
    std::string param;
  };
  const auto given = GENERATE(
      Case{R"("n":2)", "n"}, Case{R"("best_of":3)", "best_of"},
      Case{R"("tools":[{"type":"function"}])", "tools"}, Case{R"("functions":[{}])", "functions"},
      Case{R"("logprobs":true)", "logprobs"}, Case{R"("logprobs":5)", "logprobs"},
      Case{R"("echo":true)", "echo"}, Case{R"("suffix":"x")", "suffix"},
      Case{R"("response_format":{"type":"json_object"})", "response_format"},
      Case{R"("max_tokens":0)", "max_tokens"}, Case{R"("max_tokens":"9")", "max_tokens"},
      Case{R"("max_tokens":1.5)", "max_tokens"},
      Case{R"("max_completion_tokens":-1)", "max_completion_tokens"},
      Case{R"("temperature":"hot")", "temperature"}, Case{R"("top_p":[1])", "top_p"},
      Case{R"("top_k":true)", "top_k"}, Case{R"("stop":7)", "stop"}, Case{R"("stop":[1])", "stop"},
      Case{"\"stop\":[\"1\"" +
               [] {
                 std::string more;
                 for (int i = 0; i < 16; ++i) more += ",\"x\"";
                 return more + "]";
               }(),
           "stop"},
      Case{"\"stop\":\"" + std::string(1025, 'x') + "\"", "stop"});
  const auto request = read(given.member);
  INFO(given.member);
  REQUIRE(request.has_error());
  CHECK(request.error().code == ErrorCode::invalid_request);
  CHECK(request.error().param == given.param);
}

TEST_CASE("push_request: kinds of call", "[http][push_request]") {
  const auto chat =
      push_call(false, R"({"messages":[{"role":"user","content":"hi"}]})", TaskKind::chat);
  CHECK(read_push_request(chat)->prompt == "User: hi\nAssistant:");
  CHECK(read_push_request(push_call(false, R"({"input":"x"})", TaskKind::embedding))
            .error()
            .message.find("embeddings") != std::string::npos);
  CHECK(read_push_request(push_call(false, "{}", TaskKind::native_chat)).has_error());
  CHECK(read_push_request(push_call(false, "no JSON")).has_error());
  CHECK(read_push_request(push_call(false, "[]")).has_error());
}

TEST_CASE("push_request: a prompt's tokens are a quarter of its bytes", "[http][push_request]") {
  CHECK(estimated_tokens("") == 0);
  CHECK(estimated_tokens("a") == 1);
  CHECK(estimated_tokens("abcd") == 1);
  CHECK(estimated_tokens("abcde") == 2);
}

}  // namespace signalbox::http::test
