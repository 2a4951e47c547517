// The raw scanner against texts whose every byte matters; splice is checked by scanning its result
// again.
#include "http/text/json_members.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

namespace {

std::string names(const std::vector<Member>& members) {
  std::string all;
  for (const Member& member : members) all += member.name + "=" + std::string(member.value) + ";";
  return all;
}

std::string spliced(std::string_view body, const std::vector<Edit>& edits) {
  return splice(body, edits);
}

}  // namespace

TEST_CASE("json_members: finds top-level members wherever they are", "[http][json_members]") {
  const std::string_view text =
      " { \"a\" : 1.50 ,\"b\\u0041\":\"x\\\"}\\\\\",\n\"c\":[{\"a\":\"]\"},[]] , \"d\":{\"a\":{}}"
      ",\"\":null,\"e\":true\t}\r\n";
  const auto members = scan_object(text);
  REQUIRE(members.has_value());
  CHECK(names(*members) ==
        "a=1.50;bA=\"x\\\"}\\\\\";c=[{\"a\":\"]\"},[]];d={\"a\":{}};=null;e=true;");
  for (const Member& member : *members) {
    CHECK(text[member.begin] == '"');
    CHECK(text.substr(member.end - member.value.size(), member.value.size()) == member.value);
  }
  CHECK(scan_object("{}")->empty());
  CHECK(scan_object(" { } ")->empty());
}

TEST_CASE("json_members: refuses what is no JSON object", "[http][json_members]") {
  const std::string text = GENERATE(
      std::string(), std::string("  "), std::string("[]"), std::string("1"), std::string("{"),
      std::string("{\"a\":}"), std::string("{\"a\":1,}"), std::string("{a:1}"),
      std::string("{\"a\":1} x"), std::string("{\"a\":01}"), std::string("{\"a\":NaN}"),
      std::string("{\"a\":\"\n\"}"), std::string("{\"a\":\"\xFF\"}"), std::string("{} {}"),
      std::string("{/**/}"), std::string("{\"a\":\"\\x\"}"), std::string("{\"a\":1}\0", 8),
      std::string(200, '[') + std::string(200, ']'));
  INFO(text);
  const auto members = scan_object(text);
  REQUIRE_FALSE(members.has_value());
  CHECK(members.error().code == ErrorCode::invalid_json);
  CHECK_FALSE(members.error().message.empty());
}

TEST_CASE("json_members: nesting up to the bound is fine", "[http][json_members]") {
  const std::string inner = std::string(100, '[') + std::string(100, ']');
  CHECK(scan_object("{\"a\":" + inner + "}").has_value());
}

TEST_CASE("json_members: says where the text is wrong", "[http][json_members]") {
  CHECK(check_json("{\"a\":tru}").error().message.find("at byte 5") != std::string::npos);
  CHECK(check_json("").error().message.find("nothing") != std::string::npos);
}

TEST_CASE("json_members: a name given twice is refused at the top level only",
          "[http][json_members]") {
  const auto twice = scan_object(R"({"model":1,"x":2,"mod\u0065l":3})");
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().code == ErrorCode::invalid_request);
  CHECK(twice.error().param == "model");
  CHECK(scan_object(R"({"a":{"x":1,"x":2}})").has_value());
}

TEST_CASE("json_members: splice changes one thing and keeps every other byte",
          "[http][json_members]") {
  const std::string body = "\n{ \"a\":1,\t\"model\" :  \"x\" , \"n\":0.70}\n";
  CHECK(spliced(body, {}) == body);
  CHECK(spliced(body, {{"model", "\"longer\""}}) ==
        "\n{ \"a\":1,\t\"model\" :  \"longer\" , \"n\":0.70}\n");
  CHECK(spliced(body, {{"a", std::nullopt}}) == "\n{ \"model\" :  \"x\" , \"n\":0.70}\n");
  CHECK(spliced(body, {{"model", std::nullopt}}) == "\n{ \"a\":1 , \"n\":0.70}\n");
  CHECK(spliced(body, {{"n", std::nullopt}}) == "\n{ \"a\":1,\t\"model\" :  \"x\"}\n");
  CHECK(spliced(body, {{"new\n", "[]"}}) ==
        "\n{ \"a\":1,\t\"model\" :  \"x\" , \"n\":0.70,\"new\\n\":[]}\n");
  CHECK(spliced("{ }", {{"a", "1"}, {"b", "2"}}) == "{\"a\":1,\"b\":2 }");
  CHECK(spliced("{\"a\":1}", {{"a", std::nullopt}}) == "{}");
  CHECK(spliced("{\"a\":1}", {{"a", std::nullopt}, {"b", "2"}}) == "{\"b\":2}");
  CHECK(spliced("{\"a\":1}", {{"zz", std::nullopt}}) == "{\"a\":1}");
}

TEST_CASE("json_members: splice leaves valid JSON for every set of members",
          "[http][json_members]") {
  const std::vector<std::string> all = {"a", "b", "c", "d"};
  for (unsigned present = 0; present < 16; ++present)
    for (unsigned removed = 0; removed < 16; ++removed)
      for (unsigned replaced = 0; replaced < 16; ++replaced) {
        std::string body = "{";
        std::string expected;
        std::vector<Edit> edits;
        for (unsigned i = 0; i < 4; ++i) {
          const bool here = (present >> i & 1) != 0;
          const bool out = (removed >> i & 1) != 0;
          const bool set = !out && (replaced >> i & 1) != 0;
          if (here) body += (body.size() > 1 ? " ,\"" : "\"") + all[i] + "\": 1 ";
          if (out) edits.push_back({all[i], std::nullopt});
          if (set) edits.push_back({all[i], "[2]"});
          if (here && !out) expected += all[i] + (set ? "=[2];" : "=1;");
        }
        for (unsigned i = 0; i < 4; ++i)
          if ((present >> i & 1) == 0 && (removed >> i & 1) == 0 && (replaced >> i & 1) != 0)
            expected += all[i] + "=[2];";
        const std::string result = spliced(body + "}", edits);
        const auto members = scan_object(result);
        INFO(result);
        REQUIRE(members.has_value());
        REQUIRE(names(*members) == expected);
      }
}

TEST_CASE("json_members: arrays and single values", "[http][json_members]") {
  const auto elements = elements_of(R"([ 1 ,"a,]", {"b":[2,3]},[] ,null])");
  CHECK(elements == std::vector<std::string_view>{"1", "\"a,]\"", "{\"b\":[2,3]}", "[]", "null"});
  CHECK(elements_of("[]").empty());
  CHECK(elements_of("[ ]").empty());
  CHECK(elements_of("{}").empty());
  CHECK(members_of("[]").empty());
  CHECK(members_of("").empty());
  CHECK(value_of(R"({"a":1,"a":2})", "a") == "2");
  CHECK(value_of("{}", "a").empty());
}

TEST_CASE("json_members: strings in and out", "[http][json_members]") {
  CHECK(unquote(R"("a\"\\\/\b\f\n\r\té")") == "a\"\\/\b\f\n\r\t\xC3\xA9");
  CHECK(unquote(R"("\ud83d\ude00")") == "\xF0\x9F\x98\x80");
  CHECK(unquote(R"("\ud83dx")") == "\xEF\xBF\xBDx");
  CHECK(unquote(R"("\ude00")") == "\xEF\xBF\xBD");
  CHECK(unquote(R"("\ud83d\u0041")") ==
        "\xEF\xBF\xBD"
        "A");
  CHECK_FALSE(unquote("1").has_value());
  CHECK_FALSE(unquote("\"").has_value());
  CHECK(json_quote("a\"\\\n\x01\x1F\x7F") == "\"a\\\"\\\\\\n\\u0001\\u001f\x7F\"");
  CHECK(json_quote("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") ==
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(json_quote("\xFFz") == "\"" + bad + "z\"");
  CHECK(json_quote("\xC3") == "\"" + bad + "\"");
  CHECK(json_quote("\xC0\xAF") == "\"" + bad + bad + "\"");
  CHECK(json_quote("\xED\xA0\x80") == "\"" + bad + bad + bad + "\"");
  CHECK(json_quote("\xF4\x90\x80\x80") == "\"" + bad + bad + bad + bad + "\"");
  std::string every;
  for (int c = 0; c < 128; ++c) every += static_cast<char>(c);
  CHECK(unquote(json_quote(every)) == every);
  for (int c = 0; c < 256; ++c)
    CHECK(check_json(json_quote(std::string("x") + static_cast<char>(c) + "y")).has_value());
}

}  // namespace signalbox::http
