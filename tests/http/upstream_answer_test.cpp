// Goal: an answer whose status is fine is taken when it can be what was asked for. Method: literal
// answers over a raw server.
#include <catch2/catch.hpp>
#include <string>

#include "tests/http/raw_server.hpp"
#include "tests/http/upstream_recorder.hpp"

namespace signalbox::http::test {

TEST_CASE("upstream_client: a success that is no JSON is none", "[http][upstream_client]") {
  struct Case {
    std::string type;
    std::string body;
    std::string words;
  };
  const auto given =
      GENERATE(Case{"text/html; charset=utf-8", "<html>It works!</html>", "text/html"},
               Case{"application/json", R"({"choices":[)", "application/json"},
               Case{"application/json", "", "application/json"},
               Case{"text/plain", "no such page", "text/plain"},
               Case{"text/" + std::string(1000, 'x'), "?", "text/xxxx"});
  const bool streaming = GENERATE(false, true);
  CAPTURE(given.type, given.body, streaming);
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.answer(200, given.body, {}, given.type);
  });
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(streaming));
  const auto failure = recorder->failed();
  CHECK(failure.error.code ==
        (streaming ? ErrorCode::backend_stream_failed : ErrorCode::backend_error));
  CHECK(failure.error.message.find(given.words) != std::string::npos);
  CHECK(failure.error.message.size() < 200);
  CHECK_FALSE(failure.retryable);
  CHECK_FALSE(recorder->began());
}

TEST_CASE("upstream_client: JSON is taken whatever it is called", "[http][upstream_client]") {
  const std::string type = GENERATE("text/plain", "application/octet-stream", "");
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.answer(200, R"( {"choices":[]} )", {}, type);
  });
  HttpBackend backend(options_for(server.url()));
  CHECK(*perform(backend, make_call(false))->finished().body == R"( {"choices":[]} )");
}

}  // namespace signalbox::http::test
