// Goal: what is written is what is read, whatever bytes it holds, and nothing else is read. Method:
// all short values of a nasty alphabet, all cuts and single-byte changes of a good text.
#include <catch2/catch.hpp>

#include "core/base/field_text.hpp"

namespace signalbox {

TEST_CASE("field_text: any bytes come back", "[core][field_text]") {
  const std::string alphabet{"=:1a\0\xff\n", 7};
  std::vector<std::string> values{""};
  for (std::size_t index = 0; index < values.size() && values[index].size() < 3; ++index) {
    for (const char byte : alphabet) values.push_back(values[index] + byte);
  }
  for (const std::string& value : values) {
    const Fields fields{{"one", value}, {"two", "2=1:x"}, {"one", value}};
    REQUIRE(decode_fields(encode_fields(fields)) == fields);
  }
}

TEST_CASE("field_text: no fields are an empty text", "[core][field_text]") {
  CHECK(encode_fields({}).empty());
  CHECK(decode_fields("") == Fields{});
}

TEST_CASE("field_text: a document in a field comes back", "[core][field_text]") {
  const Fields inner{{"name", "alice"}, {"pool", ""}};
  const auto outer = decode_fields(encode_fields({{"llm", encode_fields(inner)}}));
  REQUIRE(outer);
  CHECK(decode_fields(outer->front().second) == inner);
}

TEST_CASE("field_text: what is cut off is not read", "[core][field_text]") {
  const std::string text = encode_fields({{"name", "alice"}, {"pool", "chat"}});
  const std::string first = encode_fields({{"name", "alice"}});
  for (std::size_t size = 1; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK(decode_fields(text.substr(0, size)).has_value() == (size == first.size()));
  }
}

TEST_CASE("field_text: what is no field is not read", "[core][field_text]") {
  for (const char* text : {"name", "name=", "name=:", "name=x:", "name=-1:", "name=+1:a",
                           "name= 1:a", "name=1 :a", "name=2:a", "name=99999999999999999999:a",
                           "name=18446744073709551615:a", ":1=a", "=", "name:1=a", "name=1:ab"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_fields(text));
  }
}

}  // namespace signalbox
