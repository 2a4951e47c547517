// Goal: a worker's answer leads to a path on that worker and nowhere else. Method: pure.
#include "http/push/push_answer.hpp"

#include <catch2/catch.hpp>

#include "http/text/json_members.hpp"

namespace signalbox::http {

namespace {

using namespace std::string_literals;

const BaseUrl worker = *parse_base_url("http://10.0.0.7:9001");

Result<std::string> path_for(const std::string& url) {
  return read_stream_path(R"({"job_id":"j","sse_url":)" + json_quote(url) + "}", worker);
}

}  // namespace

TEST_CASE("push_answer: a path, or a URL on the worker itself", "[http][push_answer]") {
  CHECK(*path_for("/v1/inference/j/stream") == "/v1/inference/j/stream"s);
  CHECK(*path_for("/s?id=j&x=//y") == "/s?id=j&x=//y"s);
  CHECK(*path_for("http://10.0.0.7:9001/s?id=http://b/") == "/s?id=http://b/"s);
  CHECK(*path_for("/" + std::string(2047, 'a')) == "/" + std::string(2047, 'a'));
}

TEST_CASE("push_answer: everything else is refused", "[http][push_answer]") {
  const std::string url = GENERATE(
      "http://10.0.0.8:9001/s", "http://10.0.0.7:9002/s", "http://10.0.0.7/s",
      "https://10.0.0.7:9001/s", "HTTP://evil/s", "http://10.0.0.7:9001@evil/s",
      "http://10.0.0.7:9001.evil/s", "http://10.0.0.7:9001", "http://10.0.0.7:9001?s", "http://",
      "//evil/s", "http://10.0.0.7:9001//evil", "s", "", "/a b", "/a\r\nX-Evil: 1", "/a\tb",
      "/\xC3\xA9", "/a#b", "ftp://10.0.0.7:9001/s", "file:///etc/passwd", "\\\\evil\\s",
      std::string("/a\0b", 4), "/" + std::string(2048, 'a'));
  INFO(url);
  const auto path = path_for(url);
  REQUIRE(path.has_error());
  CHECK(path.error().code == ErrorCode::backend_error);
}

TEST_CASE("push_answer: answers that name no stream", "[http][push_answer]") {
  for (const char* body :
       {"", "ok", "{", "[]", "7", "{}", R"({"job_id":"j"})", R"({"sse_url":null})",
        R"({"sse_url":["/s"]})", R"({"sse_url":"/s"} trailing)"}) {
    INFO(body);
    CHECK(read_stream_path(body, worker).has_error());
  }
  CHECK(*read_stream_path(R"( {"sse_url":"/s"} )", worker) == "/s");
}

}  // namespace signalbox::http
