// Goal: the plugins in examples/ do what they say. Method: they are linked in, and run in a house
// on the virtual clock.
#include <catch2/catch.hpp>

#include "tests/support/plugin_fixture.hpp"

extern "C" const signalbox::plugin::Entry* signalbox_plugin_echo();
extern "C" const signalbox::plugin::Entry* signalbox_plugin_night_shift();

namespace signalbox::testing {
namespace {

std::unique_ptr<plugin::Plugin> echo(const std::string& settings = "{}") {
  return signalbox_plugin_echo()->make(settings);
}

std::unique_ptr<plugin::Plugin> night_shift(const std::string& settings) {
  return signalbox_plugin_night_shift()->make(settings);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Tasks of the night shift, oldest first.
std::vector<CallRow> night_work(HouseFixture& house) {
  std::vector<CallRow> rows = house.rows();
  std::erase_if(rows, [](const CallRow& row) { return row.owner != "plugin:night"; });
  std::reverse(rows.begin(), rows.end());
  return rows;
}

}  // namespace

// -- echo ----------------------------------------------------------------------------------------

TEST_CASE("echo plugin: a chat is answered with its last message, and counted",
          "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "echo", echo()};
  const auto call = house.submit(
      {.target = "plugin-echo",
       .body =
           R"({"messages":[{"role":"system","content":"x"},{"role":"user","content":"one two three"}],
                   "max_tokens":2})"});
  REQUIRE(house.told(call).ended);
  const std::string body = *house.told(call).ended->body;
  CHECK(has(body, R"("content":"one two")"));
  CHECK(has(body, R"("object":"chat.completion")"));
  CHECK(house.rows().at(0).tokens.in == 3);
  CHECK(house.rows().at(0).tokens.out == 2);
}

TEST_CASE("echo plugin: a stream is a piece per word, then its end", "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "echo", echo()};
  const auto call = house.submit(
      {.target = "plugin-echo",
       .streaming = true,
       .body = R"({"messages":[{"content":[{"type":"text","text":"one"},{"text":"two"}]}],
                   "stream":true,"stream_options":{"include_usage":true}})"});
  REQUIRE(house.told(call).ended);
  const std::string data = house.told(call).data;
  CHECK(has(data, R"("delta":{"content":"one"})"));
  CHECK(has(data, R"("delta":{"content":" two"})"));
  CHECK(has(data, R"("finish_reason":"stop")"));
  CHECK(has(data, R"("usage":{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4})"));
  CHECK_FALSE(has(data, "[DONE]"));
}

TEST_CASE("echo plugin: what it cannot read is the caller's fault", "[actors][plugin]") {
  HouseFixture house;
  PluginFixture plugin{house, "echo", echo()};
  for (const char* body : {"{}", "[]", "no json", R"({"messages":[]})"}) {
    const auto call = house.submit({.target = "plugin-echo", .body = body});
    house.world().run();
    CHECK(house.told(call).code() == ErrorCode::backend_error);
    CHECK(house.stored(call).attempts == 1);
  }
}

TEST_CASE("echo plugin: settings it does not know are refused", "[actors][plugin]") {
  CHECK_NOTHROW(echo(R"({"llm":"e","pool":"p","capacity":64,"word_delay_ms":0})"));
  for (const char* settings : {R"({"lm":"e"})", R"({"capacity":0})", R"({"llm":1})"}) {
    CHECK_THROWS_WITH(echo(settings), Catch::Contains("echo has llm"));
  }
}

// -- night shift ---------------------------------------------------------------------------------

TEST_CASE("night shift: works when the line is quiet, one prompt after another",
          "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s, "ok"));
  PluginFixture plugin{
      house, "night",
      night_shift(R"({"llm":"alpha","quiet_ms":5000,"prompts":["first","second"]})")};
  house.world().advance(4s);
  CHECK(night_work(house).empty());
  house.world().advance(2s);
  REQUIRE(night_work(house).size() == 1);
  CHECK(night_work(house)[0].priority == Priority::background);
  house.world().advance(30s);
  const auto rows = night_work(house);
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].status == CallStatus::ok);
  // Nobody came in between.
  CHECK(rows[1].queued_at == rows[0].finished_at);
  CHECK(plugin.lines() == std::vector<std::string>{"prompt 1 of 2 is answered by alpha, 2 bytes",
                                                   "prompt 2 of 2 is answered by alpha, 2 bytes"});
  house.world().advance(600s);
  CHECK(night_work(house).size() == 2);
}

TEST_CASE("night shift: gives way to callers until they have been gone for a while",
          "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, whole_answer(10s, "ok"));
  const auto before = house.submit({});
  PluginFixture plugin{
      house, "night",
      night_shift(R"({"llm":"alpha","quiet_ms":5000,"prompts":["first","second","third"]})")};
  house.world().advance(9s);
  CHECK(night_work(house).empty());
  house.world().advance(1s);
  REQUIRE(house.told(before).ended);
  house.world().advance(4s);
  // One that comes and goes before the time is over counts anew.
  const auto brief = house.submit({});
  house.hang_up(brief);
  house.world().advance(4s);
  CHECK(night_work(house).empty());
  house.world().advance(2s);
  CHECK(night_work(house).size() == 1);
  // One comes while it works: nothing more until that one is done and gone.
  const auto during = house.submit({});
  house.world().advance(23s);
  REQUIRE(house.told(during).ended);
  CHECK(night_work(house).size() == 1);
  house.world().advance(10s);
  CHECK(night_work(house).size() == 2);
}

TEST_CASE("night shift: what fails is told, and the next has its turn", "[actors][plugin]") {
  HouseFixture house;
  house.add_backend("alpha", 1, failure(ErrorCode::backend_error, false));
  PluginFixture plugin{house, "night",
                       night_shift(R"({"llm":"alpha","quiet_ms":0,"prompts":["first","second"]})")};
  house.world().advance(1s);
  CHECK(plugin.lines() ==
        std::vector<std::string>{"prompt 1 of 2 failed: backend_error, it failed",
                                 "prompt 2 of 2 failed: backend_error, it failed"});
}

TEST_CASE("night shift: needs to know whom to ask", "[actors][plugin]") {
  CHECK_THROWS_WITH(night_shift("{}"), Catch::Contains("needs llm"));
  CHECK_THROWS(night_shift(R"({"llm":"a","prompts":[1]})"));
  CHECK_THROWS_WITH(night_shift(R"({"llm":"a","quiet":1})"), Catch::Contains("night_shift has"));
}

}  // namespace signalbox::testing
