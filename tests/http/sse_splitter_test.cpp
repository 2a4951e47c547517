// Every stream of the corpus is cut at every position, and into single bytes: the events must not
// change, and the bytes that come out must be the bytes that went in.
#include "http/upstream/sse_splitter.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

namespace {

struct Outcome {
  std::string raw;
  /// `name|data;` for each event with data.
  std::string events;
};

void note(Outcome& outcome, const std::vector<SseEvent>& events) {
  for (const SseEvent& event : events) {
    outcome.raw += event.raw;
    if (event.has_data) outcome.events += event.name + "|" + event.data + ";";
  }
}

Outcome split(const std::vector<std::string_view>& pieces, bool and_finish = true) {
  SseSplitter splitter;
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    std::vector<SseEvent> events;
    REQUIRE(splitter.feed(piece, events).has_value());
    note(outcome, events);
  }
  if (and_finish) {
    if (const auto rest = splitter.finish()) note(outcome, {*rest});
    CHECK_FALSE(splitter.finish().has_value());
  }
  return outcome;
}

struct Stream {
  std::string text;
  std::string events;
};

const std::vector<Stream>& corpus() {
  static const std::vector<Stream> streams = {
      {"", ""},
      {"data: a\n\n", "|a;"},
      {"data: a\r\n\r\ndata:b\r\n\r\n", "|a;|b;"},
      {"data: a\r\rdata:  b\r\r", "|a;| b;"},
      {"data: a\n\r\ndata: b\r\n\ndata: c\r\r\ndata: d\n\n", "|a;|b;|c;|d;"},
      {": ping\n\ndata: a\n: in between\ndata: b\n\n:\n\n", "|a\nb;"},
      {"event: x\ndata\n\nevent: y\n\ndata: z\nid: 7\nretry: 1\n\n", "x|;|z;"},
      {"\n\n\r\n\rdata: a\n\n\n\n", "|a;"},
      {"\xEF\xBB\xBF"
       "data: a\n\n",
       "|a;"},
      {"data: {\"x\":\"\\n\"}\n\ndata: [DONE]", "|{\"x\":\"\\n\"};|[DONE];"},
      {"data: [DONE]\n", "|[DONE];"},
      {"databoo: x\ndat: y\ndata : z\n\n", ""},
      {"data: \xC3\xA9\xE2\x82\xAC\n\n", "|\xC3\xA9\xE2\x82\xAC;"},
  };
  return streams;
}

}  // namespace

TEST_CASE("sse_splitter: any cut gives the same events and the same bytes",
          "[http][sse_splitter]") {
  for (const Stream& stream : corpus()) {
    const std::string_view text = stream.text;
    INFO(stream.text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const auto outcome = split({text.substr(0, cut), text.substr(cut)});
      REQUIRE(outcome.events == stream.events);
      REQUIRE(outcome.raw == text);
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
    const auto outcome = split(bytes);
    CHECK(outcome.events == stream.events);
    CHECK(outcome.raw == text);
  }
}

TEST_CASE("sse_splitter: an event is there with its blank line and not before",
          "[http][sse_splitter]") {
  CHECK(split({"data: a\n"}, false).events.empty());
  CHECK(split({"data: a\n", "\n"}, false).events == "|a;");
  CHECK(split({"data: a\r", "\n"}, false).events.empty());
  CHECK(split({"data: a\r\n\r"}, false).events == "|a;");
  CHECK(split({"data: a\r\n\r", "\n"}, false).events == "|a;");
  CHECK(split({"data: a\r\n\r", "\ndata: b\r\n\r\n"}, false).events == "|a;|b;");
}

TEST_CASE("sse_splitter: an event is bounded", "[http][sse_splitter]") {
  SseSplitter splitter(100);
  std::vector<SseEvent> events;
  REQUIRE(splitter.feed("data: " + std::string(80, 'a') + "\n\n", events).has_value());
  REQUIRE(splitter.feed("data: " + std::string(80, 'b') + "\n", events).has_value());
  const auto fed = splitter.feed("data: " + std::string(20, 'b') + "\n", events);
  REQUIRE_FALSE(fed.has_value());
  CHECK(fed.error().code == ErrorCode::backend_stream_failed);
  CHECK(events.size() == 1);
}

}  // namespace signalbox::http
