// Streams of several servers become the bodies these would have sent; synthesized events become
// them again.
#include "http/upstream/stream_assembler.hpp"

#include <catch2/catch.hpp>

#include "http/text/json_members.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::http {

namespace {

using Seen = StreamAssembler::Seen;

std::string assemble(TaskKind kind, const std::vector<std::string>& events) {
  StreamAssembler assembler(kind);
  for (const std::string& event : events) {
    INFO(event);
    CHECK(assembler.add(event) == Seen::chunk);
  }
  const std::string body = assembler.assemble();
  INFO(body);
  CHECK(scan_object(body).has_value());
  return body;
}

std::string chunk(const std::string& delta, const std::string& rest = {}, int index = 0) {
  return R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m",)"
         R"("choices":[{"index":)" +
         std::to_string(index) + ",\"delta\":" + delta + rest + "}]}";
}

/// Feeds the data of an event stream. @returns the assembled body.
std::string reassemble(const std::string& stream, TaskKind kind) {
  SseSplitter splitter;
  std::vector<SseEvent> events;
  REQUIRE(splitter.feed(stream, events).has_value());
  CHECK_FALSE(splitter.finish().has_value());
  StreamAssembler assembler(kind);
  for (std::size_t i = 0; i < events.size(); ++i) {
    INFO(events[i].raw);
    CHECK(assembler.add(events[i].data) == (i + 1 == events.size() ? Seen::done : Seen::chunk));
  }
  CHECK(assembler.done());
  return assembler.assemble();
}

}  // namespace

TEST_CASE("stream_assembler: llama-server's chat stream", "[http][stream_assembler]") {
  const std::string head =
      R"("created":1762,"id":"chatcmpl-1","model":"tiny","system_fingerprint":"b1",)"
      R"("object":"chat.completion.chunk")";
  const std::vector<std::string> events = {
      R"({"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant",)"
      R"("content":null}}],)" +
          head + "}",
      R"({"choices":[{"finish_reason":null,"index":0,"delta":{"content":"He\n"}}],)" + head + "}",
      R"({"choices":[{"finish_reason":null,"index":0,"delta":{"content":"y \u00e9"}}],)" + head +
          "}",
      R"({"choices":[{"finish_reason":"length","index":0,"delta":{}}],)" + head + "}",
      R"({"choices":[],)" + head +
          R"(,"usage":{"completion_tokens":2,"prompt_tokens":5},"timings":{"predicted_ms":0.70}})"};
  CHECK(assemble(TaskKind::chat, events) ==
        R"({"id":"chatcmpl-1","object":"chat.completion","created":1762,"model":"tiny",)"
        R"("choices":[{"index":0,"message":{"role":"assistant","content":"He\ny é"},)"
        R"("logprobs":null,"finish_reason":"length"}],)"
        R"("usage":{"completion_tokens":2,"prompt_tokens":5},"system_fingerprint":"b1",)"
        R"("timings":{"predicted_ms":0.70}})");
}

TEST_CASE("stream_assembler: tool calls are put together by index", "[http][stream_assembler]") {
  const std::string body = assemble(
      TaskKind::chat,
      {chunk(R"({"role":"assistant","content":null,"tool_calls":[{"index":1,"id":"b",)"
             R"("type":"function","function":{"name":"g","arguments":""}}]})"),
       chunk(R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f",)"
             R"("arguments":"{\"x\""}}]})"),
       chunk(R"({"role":"assistant","tool_calls":[{"index":1,"id":"","function":{"name":"",)"
             R"("arguments":"{}"}},{"index":0,"function":{"arguments":":1}"}}]})"),
       chunk("{}", R"(,"finish_reason":"tool_calls")")});
  CHECK(value_of(elements_of(value_of(body, "choices"))[0], "message") ==
        R"({"role":"assistant","content":null,"tool_calls":[)"
        R"({"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},)"
        R"({"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]})");
  // Without indexes ids tell the calls apart.
  const std::string unnumbered =
      assemble(TaskKind::chat,
               {chunk(R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":"1"}}]})"),
                chunk(R"({"tool_calls":[{"function":{"arguments":"2"}}]})"),
                chunk(R"({"tool_calls":[{"id":"b","function":{"name":"g","arguments":"3"}}]})")});
  CHECK(value_of(value_of(elements_of(value_of(unnumbered, "choices"))[0], "message"),
                 "tool_calls") ==
        R"([{"id":"a","function":{"name":"f","arguments":"12"}},{"id":"b","function":{"name":"g",)"
        R"("arguments":"3"}}])");
}

TEST_CASE("stream_assembler: several choices, log probabilities, odd members",
          "[http][stream_assembler]") {
  const std::string body = assemble(
      TaskKind::chat,
      {chunk(R"({"role":"assistant","content":"b","reasoning_content":"r1"})",
             R"(,"logprobs":{"content":[{"logprob":-0.10}],"refusal":null},"stop_reason":7)", 1),
       chunk(R"({"role":"assistant","content":"a","refusal":null})", {}, 0),
       chunk(R"({"content":"c","reasoning_content":"r2","odd":"x","audio":{"id":1},"list":[1]})",
             R"(,"logprobs":{"content":[{"logprob":-2e-3}, {"logprob":0}]},"finish_reason":"stop")",
             1),
       chunk(R"({"odd":"y","audio":{"id":2},"list":[2,3],"refusal":"no"})",
             R"(,"finish_reason":null)", 1),
       R"({"choices":[],"usage":null,"service_tier":"default"})",
       R"({"choices":[],"usage":{"total_tokens":9}})", R"({"choices":[],"usage":null})"});
  CHECK(body ==
        R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[)"
        R"({"index":0,"message":{"role":"assistant","content":"a","refusal":null},"logprobs":null,)"
        R"("finish_reason":null},)"
        R"({"index":1,"message":{"role":"assistant","content":"bc","reasoning_content":"r1r2",)"
        R"("odd":"xy","audio":{"id":2},"list":[1,2,3],"refusal":"no"},)"
        R"("logprobs":{"content":[{"logprob":-0.10},{"logprob":-2e-3}, {"logprob":0}],)"
        R"("refusal":null},"finish_reason":"stop","stop_reason":7}],)"
        R"("usage":{"total_tokens":9},"service_tier":"default"})");
}

TEST_CASE("stream_assembler: text completions", "[http][stream_assembler]") {
  CHECK(assemble(
            TaskKind::completion,
            {R"({"id":"t","object":"text_completion","model":"m","choices":[{"text":"a","index":0,)"
             R"("finish_reason":null,"logprobs":{"tokens":["a"],"text_offset":[0]}}]})",
             R"({"id":"t","object":"text_completion","model":"m","choices":[{"text":"b","index":0,)"
             R"("finish_reason":"stop","logprobs":{"tokens":["b"],"text_offset":[1]}}],)"
             R"("usage":{"n":1}})"}) ==
        R"({"id":"t","object":"text_completion","model":"m","choices":[{"index":0,"text":"ab",)"
        R"("logprobs":{"tokens":["a","b"],"text_offset":[0,1]},"finish_reason":"stop"}],)"
        R"("usage":{"n":1}})");
}

TEST_CASE("stream_assembler: an answer without content", "[http][stream_assembler]") {
  CHECK(assemble(TaskKind::chat, {chunk(R"({"content":null})")}).find(R"("content":"")") !=
        std::string::npos);
  CHECK(assemble(TaskKind::chat, {}) == R"({"object":"chat.completion","choices":[]})");
  const auto call =
      assemble(TaskKind::chat, {chunk(R"({"function_call":{"name":"f","arguments":"{"}})"),
                                chunk(R"({"function_call":{"arguments":"}"}})")});
  CHECK(call.find(R"("content":null,"function_call":{"name":"f","arguments":"{}"})") !=
        std::string::npos);
}

TEST_CASE("stream_assembler: done, errors and garbage", "[http][stream_assembler]") {
  StreamAssembler assembler(TaskKind::chat);
  CHECK(assembler.add(R"({"error":null,"choices":[]})") == Seen::chunk);
  CHECK(assembler.add(R"({"error":{"message":"m1","code":500}})") == Seen::error);
  CHECK(assembler.error_message() == "m1");
  CHECK(assembler.add(R"({"error":"m2"})") == Seen::error);
  CHECK(assembler.error_message() == "m2");
  CHECK(assembler.add(R"({"object":"error","message":"m3","code":400})") == Seen::error);
  CHECK(assembler.error_message() == "m3");
  CHECK_FALSE(assembler.garbled());
  for (const std::string text : {"", "x", "[1]", "{\"a\":", "[DONE]x"})
    CHECK(assembler.add(text) == Seen::garbage);
  CHECK(assembler.garbled());
  CHECK_FALSE(assembler.done());
  CHECK(assembler.add(" [DONE]\n") == Seen::done);
  CHECK(assembler.done());
  CHECK(check_json(assembler.assemble()).has_value());
}

TEST_CASE("stream_assembler: members of the wrong type do no harm", "[http][stream_assembler]") {
  for (const std::string event :
       {R"({"choices":1})", R"({"choices":[1,null,"x",[]]})", R"({"choices":[{"delta":7}]})",
        R"({"choices":[{"index":"x","delta":{"content":{"a":1},"tool_calls":{}}}]})",
        R"({"choices":[{"delta":{"tool_calls":[3,{"function":"f"}],"role":4}}]})",
        R"({"choices":[{"delta":{"content":"a"}},{"delta":{"content":[1]}},)"
        R"({"delta":{"content":2}}]})",
        R"({"choices":[{"logprobs":[1],"text":null}],"id":[],"usage":"x"})"})
    assemble(TaskKind::chat, {event, event});
}

TEST_CASE("stream_assembler: error texts", "[http][stream_assembler]") {
  CHECK(error_message_of(R"({"error":{"message":"a\nb"}})") == "a\nb");
  CHECK(error_message_of(R"({"error":{"code":1},"detail":"d"})") == "d");
  CHECK(error_message_of(R"({"detail":[{"msg":"x"}]})").empty());
  CHECK(error_message_of("<html>").empty());
  CHECK(error_message_of("{}").empty());
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\xC3\xA4";
  CHECK(error_message_of("{\"error\":\"x" + umlauts + "\"}").size() == 999);
}

TEST_CASE("stream_assembler: synthesized events say what the body says",
          "[http][stream_assembler]") {
  const std::string chat =
      R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[)"
      R"({"index":0,"message":{"role":"assistant","content":null,"tool_calls":[)"
      R"({"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},)"
      R"({"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
      R"("logprobs":null,"finish_reason":"tool_calls"},)"
      R"({"index":1,"message":{"role":"assistant","content":"x\ny","reasoning_content":"r"},)"
      R"("logprobs":{"content":[{"logprob":-0.10}]},"finish_reason":"stop","stop_reason":1}],)"
      R"("usage":{"total_tokens":3},"system_fingerprint":"s","timings":{"a":0.70}})";
  const std::string stream = synthesize_events(chat, TaskKind::chat);
  CHECK(reassemble(stream, TaskKind::chat) == chat);
  CHECK(stream.find(R"("usage":{"total_tokens":3}})"
                    "\n\ndata: [DONE]\n\n") != std::string::npos);
  CHECK(stream.find("chat.completion\"") == std::string::npos);

  const std::string text =
      R"({"id":"t","object":"text_completion","created":1,"model":"m","choices":[{"index":0,)"
      R"("text":"ab","logprobs":null,"finish_reason":"length"}]})";
  CHECK(reassemble(synthesize_events(text, TaskKind::completion), TaskKind::completion) == text);
}

TEST_CASE("stream_assembler: other bodies come as one event", "[http][stream_assembler]") {
  CHECK(synthesize_events("{\"a\":\r\n1}", TaskKind::chat) ==
        "data: {\"a\":\ndata: 1}\n\ndata: [DONE]\n\n");
  CHECK(synthesize_events("[1]", TaskKind::embedding) == "data: [1]\n\ndata: [DONE]\n\n");
  CHECK(synthesize_events("", TaskKind::chat) == "data: \n\ndata: [DONE]\n\n");
  CHECK(synthesize_events(R"({"choices":[{}, {"text":1}]})", TaskKind::completion).find("[DONE]") !=
        std::string::npos);
  const std::string native = synthesize_events(R"({"output":[]})", TaskKind::native_chat);
  CHECK(native == "event: chat.end\ndata: {\"type\":\"chat.end\",\"result\":{\"output\":[]}}\n\n");
  CHECK(reassemble(native, TaskKind::native_chat) == R"({"output":[]})");
}

}  // namespace signalbox::http
