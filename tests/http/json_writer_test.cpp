// Goal: what we print is JSON that everyone reads alike. Method: literal text.
#include "http/text/json_writer.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace signalbox::http {

TEST_CASE("json_writer: objects, lists and every kind of value", "[http][json_writer]") {
  JsonWriter json;
  json.begin_object().key("a").number(std::int64_t{-1}).key("b").begin_array();
  json.boolean(true).null().string("x\"\n").raw("{\"k\":1e5}").end_array();
  json.key("c").begin_object().end_object().key("d").string_or_null("").end_object();
  const std::string expected = R"({"a":-1,"b":[true,null,"x\"\n",{"k":1e5}],"c":{},"d":null})";
  CHECK(json.take() == expected);
}

TEST_CASE("json_writer: numbers have no exponent and are always finite", "[http][json_writer]") {
  const auto printed = [](double number) { return JsonWriter{}.number(number).take(); };
  CHECK(printed(0.7) == "0.7");
  CHECK(printed(0) == "0");
  CHECK(printed(-0.0001) == "0");
  CHECK(printed(86400) == "86400");
  CHECK(printed(1.23456) == "1.235");
  CHECK(printed(std::numeric_limits<double>::infinity()) == "null");
  CHECK(JsonWriter{}.number_or_null(-1).take() == "null");
}

TEST_CASE("json_writer: times are RFC 3339 with milliseconds, both ways", "[http][json_writer]") {
  const WallTime time{std::chrono::milliseconds{1'795'000'000'007}};
  CHECK(format_time(time) == "2026-11-18T11:06:40.007Z");
  WallTime parsed{};
  CHECK(parse_time(format_time(time), parsed));
  CHECK(parsed == time);
  CHECK(parse_time("2026-11-18T13:06:40.007+02:00", parsed));
  CHECK(parsed == time);
  for (const char* bad : {"", "2026-11-18", "2026-02-30T00:00:00Z", "2026-11-18T11:06:40",
                          "2026-11-18T25:00:00Z", "2026-11-18T11:06:40Zx", "now"}) {
    INFO(bad);
    CHECK_FALSE(parse_time(bad, parsed));
  }
}

}  // namespace signalbox::http
