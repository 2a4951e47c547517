// Goal: what we send as an event comes out of any reader as it went in. Method: literal text.
#include "http/text/sse_event.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

TEST_CASE("sse_event: name, id and data each have their line", "[http][sse_event]") {
  CHECK(sse_event("wake", "", "{}") == "event: wake\ndata: {}\n\n");
  CHECK(sse_event("chunk", "1.2.3", "x") == "event: chunk\nid: 1.2.3\ndata: x\n\n");
}

TEST_CASE("sse_event: every line of data is marked as data", "[http][sse_event]") {
  CHECK(sse_event("a", "", "1\n2\r\n3\r4") == "event: a\ndata: 1\ndata: 2\ndata: 3\ndata: 4\n\n");
  CHECK(sse_event("a", "", "") == "event: a\ndata: \n\n");
}

TEST_CASE("sse_event: JSON on one line says the same", "[http][sse_event]") {
  CHECK(on_one_line("{\r\n \"a\\n\": 1\n}") == "{   \"a\\n\": 1 }");
}

}  // namespace signalbox::http
