// Goal: chunks that a worker brought are joined to the body of a plain call. Method: pure.
#include "http/upstream/stream_joiner.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

TEST_CASE("stream_joiner: chunks become one answer", "[http][stream_joiner]") {
  const auto joiner = make_stream_joiner()(TaskKind::chat);
  joiner->add(R"({"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]})");
  joiner->add(R"({"id":"x","choices":[{"index":0,"delta":{"content":"b"}}]})");
  joiner->add("no JSON");
  CHECK(joiner->body().find(R"("content":"ab")") != std::string::npos);
}

}  // namespace signalbox::http
