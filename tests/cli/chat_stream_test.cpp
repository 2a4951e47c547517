// Goal: tokens come out as they come in, however the bytes are cut, and a bad end is seen. Method:
// literal streams.
#include "cli/chat/chat_stream.hpp"

#include <catch2/catch.hpp>

namespace signalbox::cli {
namespace {

std::string chunk(const std::string& content) {
  return "data: {\"choices\":[{\"delta\":{\"content\":" + content + "}}]}\n\n";
}

const std::string done = "data: [DONE]\n\n";

}  // namespace

TEST_CASE("chat_stream: text of each chunk", "[cli][chat_stream]") {
  ChatStream stream;
  CHECK(stream.feed(chunk("\"Hel\"")) == "Hel");
  CHECK(stream.feed(": ping\n\n").empty());
  CHECK(stream.feed(chunk("\"lo\\n\\u00fc\\u001b\"") + chunk("null") + chunk("\"!\"")) ==
        "lo\nü?!");
  CHECK(stream.feed("data: {\"choices\":[],\"usage\":{}}\n\n").empty());
  CHECK(stream.feed("data: not json\n\n").empty());
  CHECK(stream.feed(done).empty());
  CHECK_FALSE(stream.finish());
}

TEST_CASE("chat_stream: cut at every byte", "[cli][chat_stream]") {
  const std::string text = chunk("\"a\"") + chunk("\"b\"") + done;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    ChatStream stream;
    std::string out = stream.feed(text.substr(0, cut));
    out += stream.feed(text.substr(cut));
    CHECK(out == "ab");
    CHECK_FALSE(stream.finish());
  }
}

TEST_CASE("chat_stream: an end without [DONE] is a failure", "[cli][chat_stream]") {
  ChatStream stream;
  stream.feed(chunk("\"a\""));
  CHECK(stream.finish()->exit_code == ExitCode::task_failed);
}

TEST_CASE("chat_stream: an error event is the failure", "[cli][chat_stream]") {
  const auto failure_of = [](const std::string& code) {
    ChatStream stream;
    stream.feed("data: {\"error\":{\"message\":\"m\",\"code\":\"" + code + "\"}}\n\n");
    CHECK(stream.feed(chunk("\"late\"")).empty());
    return stream.finish().value();
  };
  CHECK(failure_of("backend_stream_failed") ==
        Failure{ExitCode::task_failed, "m (backend_stream_failed)", "backend_stream_failed"});
  CHECK(failure_of("inference_timeout").exit_code == ExitCode::timed_out);
  CHECK(failure_of("from_the_future").exit_code == ExitCode::task_failed);
}

TEST_CASE("chat_stream: whole answers", "[cli][chat_stream]") {
  CHECK(*read_chat_answer(R"({"choices":[{"message":{"role":"assistant","content":"hi"}}]})") ==
        "hi");
  CHECK(read_chat_answer(R"({"choices":[{"message":{"content":null}}]})")->empty());
  for (const char* body : {"", "{}", "[]", R"({"choices":[]})", R"({"choices":[{}]})"}) {
    CHECK(read_chat_answer(body).error().exit_code == ExitCode::task_failed);
  }
}

TEST_CASE("chat_stream: the body of the call", "[cli][chat_stream]") {
  ChatOptions options;
  options.name = "q\"x";
  CHECK(make_chat_body(options, {{"user", "hi"}}) ==
        R"({"model":"q\"x","messages":[{"role":"user","content":"hi"}],"stream":true})");
  options.max_tokens = 5;
  options.stream = false;
  CHECK(make_chat_body(options, {{"system", "s"}, {"user", "a\nb"}}) ==
        R"({"model":"q\"x","messages":[{"role":"system","content":"s"},)"
        R"({"role":"user","content":"a\nb"}],"max_tokens":5,"stream":false})");
}

TEST_CASE("chat_stream: an agent's body names no model", "[cli][chat_stream]") {
  ChatOptions options;
  options.name = "reviewer";
  options.target = ChatTarget::agent;
  CHECK(make_chat_body(options, {{"user", "hi"}}) ==
        R"({"messages":[{"role":"user","content":"hi"}],"stream":true})");
}

TEST_CASE("chat_stream: the body of a task", "[cli][chat_stream]") {
  ChatOptions options;
  options.name = "qwen";
  options.max_tokens = 5;
  CHECK(make_task_body(options, {{"user", "hi"}}, "llm") ==
        R"({"llm":"qwen","request":{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}})");
}

}  // namespace signalbox::cli
