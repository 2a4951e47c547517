// Goal: text comes out as an OpenAI backend would have said it. Method: pure; literal bytes, and
// the assembler of real streams, which must read the events as the very body that is written.
#include "http/upstream/completion_writer.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "http/text/json_members.hpp"
#include "http/upstream/sse_splitter.hpp"
#include "http/upstream/stream_assembler.hpp"
#include "http/upstream/text_gate.hpp"

namespace signalbox::http {

namespace {

/// Made at 1,000 s.
const std::string id = "0000000f-4240-7000-8000-000000000000";
const TaskId task = *TaskId::parse(id);

std::string assembled(const std::string& events, TaskKind kind) {
  SseSplitter splitter;
  std::vector<SseEvent> all;
  REQUIRE(splitter.feed(events, all).has_value());
  StreamAssembler assembler(kind);
  for (const SseEvent& event : all) assembler.add(event.data);
  CHECK_FALSE(assembler.garbled());
  return assembler.assemble();
}

/// `body` without the member that the assembler always adds.
std::string without_logprobs(std::string body) {
  const std::string extra = ",\"logprobs\":null";
  const auto at = body.find(extra);
  return at == std::string::npos ? body : body.erase(at, extra.size());
}

}  // namespace

TEST_CASE("completion_writer: a chat's events", "[http][completion_writer]") {
  const CompletionWriter writer(TaskKind::chat, task, "m\"1");
  const std::string head = R"(data: {"id":"chatcmpl-)" + id +
                           R"(","object":"chat.completion.chunk","created":1000,"model":"m\"1",)"
                           R"("choices":[)";
  CHECK(writer.text_event("Hi", true) ==
        head + R"({"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]})"
               "\n\n");
  CHECK(writer.text_event("\n\"", false) ==
        head + R"({"index":0,"delta":{"content":"\n\""},"finish_reason":null}]})"
               "\n\n");
  CHECK(writer.finish_event("length", false) ==
        head + R"({"index":0,"delta":{},"finish_reason":"length"}]})"
               "\n\n");
  CHECK(writer.finish_event("stop", true) ==
        head + R"({"index":0,"delta":{"role":"assistant"},"finish_reason":"stop"}]})"
               "\n\n");
  CHECK(writer.usage_event({3, 4}) ==
        head + R"(],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}})"
               "\n\n");
}

TEST_CASE("completion_writer: a completion's events and body", "[http][completion_writer]") {
  const CompletionWriter writer(TaskKind::completion, task, "m");
  const std::string head = R"({"id":"cmpl-)" + id +
                           R"(","object":"text_completion","created":1000,"model":"m","choices":[)";
  CHECK(writer.text_event("x", true) ==
        "data: " + head + R"({"index":0,"text":"x","finish_reason":null}]})" + "\n\n");
  CHECK(writer.text_event("x", true) == writer.text_event("x", false));
  CHECK(writer.finish_event("stop", false) ==
        "data: " + head + R"({"index":0,"text":"","finish_reason":"stop"}]})" + "\n\n");
  CHECK(writer.body("xy", "stop", {1, 2}) ==
        head + R"({"index":0,"text":"xy","finish_reason":"stop"}],)"
               R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
}

TEST_CASE("completion_writer: the events assemble to the body, whatever the bytes",
          "[http][completion_writer]") {
  const auto kind = GENERATE(TaskKind::chat, TaskKind::completion);
  const CompletionWriter writer(kind, task, "m");
  std::mt19937_64 random(11);
  for (int round = 0; round < 100; ++round) {
    TextGate gate;
    std::string text;
    std::string events;
    bool is_first = true;
    const auto say = [&](const std::string& piece) {
      if (piece.empty()) return;
      text += piece;
      events += writer.text_event(piece, std::exchange(is_first, false));
    };
    for (auto pieces = random() % 6; pieces > 0; --pieces) {
      std::string piece;
      for (auto size = random() % 5; size > 0; --size) piece += static_cast<char>(random() % 256);
      say(gate.feed(piece));
    }
    say(gate.finish());
    events += writer.finish_event("stop", is_first) + writer.usage_event({5, 6});
    const std::string body = writer.body(text, "stop", {5, 6});
    REQUIRE(check_json(body).has_value());
    if (text.empty() && kind == TaskKind::chat) continue;  // No content; the body says "".
    CHECK(without_logprobs(assembled(events, kind)) == body);
  }
}

}  // namespace signalbox::http
