// Goal: chats and prompts become the one text of a push worker, and what it cannot carry is refused
// in words. Method: pure.
#include "http/push/push_prompt.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

namespace {

using namespace std::string_literals;

}  // namespace

TEST_CASE("push_prompt: a chat is a line for each message and one to complete",
          "[http][push_prompt]") {
  CHECK(*chat_prompt(R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},
                         {"content":"Hello","role":"assistant"},{"role":"user","content":"Bye"}])") ==
        "System: Be brief.\nUser: Hi\nAssistant: Hello\nUser: Bye\nAssistant:"s);
  CHECK(*chat_prompt(R"([{"role":"developer","content":"a\nb"},{"role":"tool","content":"4"}])") ==
        "System: a\nb\nTool: 4\nAssistant:"s);
  CHECK(*chat_prompt(R"([{"role":"user","content":"\u00e9 \"q\" \ud83d\ude00"}])") ==
        "User: \xC3\xA9 \"q\" \xF0\x9F\x98\x80\nAssistant:"s);
}

TEST_CASE("push_prompt: text parts are joined, a missing content is empty", "[http][push_prompt]") {
  CHECK(*chat_prompt(R"([{"role":"user","content":[{"type":"text","text":"one"},
                         {"type":"text","text":"two"}]}])") == "User: one\ntwo\nAssistant:"s);
  CHECK(*chat_prompt(R"([{"role":"assistant","content":null,"tool_calls":[]}])") ==
        "Assistant: \nAssistant:"s);
  CHECK(*chat_prompt(R"([{"role":"user","content":[]}])") == "User: \nAssistant:"s);
}

TEST_CASE("push_prompt: what a prompt cannot carry is refused", "[http][push_prompt]") {
  const std::string messages =
      GENERATE(R"([{"role":"user","content":[{"type":"text","text":"what is"},)"
               R"({"type":"image_url","image_url":{"url":"data:"}}]}])",
               R"([{"role":"assistant","tool_calls":[{"id":"1"}]}])",
               R"([{"role":"assistant","function_call":{"name":"f"}}])",
               R"([{"role":"owner","content":"x"}])", R"([{"content":"x"}])", R"(["x"])",
               R"([{"role":"user","content":7}])", R"([{"role":"user","content":["x"]}])", "[]",
               "{}", "null", "");
  const auto prompt = chat_prompt(messages);
  INFO(messages);
  REQUIRE(prompt.has_error());
  CHECK(prompt.error().code == ErrorCode::invalid_request);
  CHECK(prompt.error().param == "messages");
  CHECK_FALSE(prompt.error().message.empty());
}

TEST_CASE("push_prompt: a completion's prompt is taken as it is", "[http][push_prompt]") {
  CHECK(*completion_prompt(R"("a\tb ")") == "a\tb ");
  CHECK(*completion_prompt(R"([ "one" ])") == "one");
  CHECK(completion_prompt(R"("")")->empty());
  for (const char* refused : {R"(["a","b"])", "[1,2]", "[[1]]", "[]", "7", "null", ""}) {
    INFO(refused);
    REQUIRE(completion_prompt(refused).has_error());
    CHECK(completion_prompt(refused).error().param == "prompt");
  }
}

}  // namespace signalbox::http
