// Taking base URLs apart and making paths of them.
#include "http/upstream/base_url.hpp"

#include <catch2/catch.hpp>

namespace signalbox::http {

TEST_CASE("base_url: what is accepted", "[http][base_url]") {
  struct Case {
    std::string text;
    BaseUrl base;
    std::string host;
    std::string chat;
  };
  const auto given = GENERATE(
      Case{"http://localhost:1234",
           {false, "localhost", 1234, ""},
           "localhost:1234",
           "/v1/chat/completions"},
      Case{"HTTPS://Api.Example.COM",
           {true, "api.example.com", 443, ""},
           "api.example.com",
           "/v1/chat/completions"},
      Case{"http://h/", {false, "h", 80, ""}, "h", "/v1/chat/completions"},
      Case{"http://h:1/v1", {false, "h", 1, "/v1"}, "h:1", "/v1/chat/completions"},
      Case{"http://h:1/v1//", {false, "h", 1, "/v1"}, "h:1", "/v1/chat/completions"},
      Case{"https://h:80/a/b", {true, "h", 80, "/a/b"}, "h:80", "/a/b/v1/chat/completions"},
      Case{"https://h/openai/v1",
           {true, "h", 443, "/openai/v1"},
           "h",
           "/openai/v1/chat/completions"},
      Case{"http://h/av1", {false, "h", 80, "/av1"}, "h", "/av1/v1/chat/completions"},
      Case{"http://[::1]:8080/x",
           {false, "::1", 8080, "/x"},
           "[::1]:8080",
           "/x/v1/chat/completions"},
      Case{"http://[FE80::1]", {false, "fe80::1", 80, ""}, "[fe80::1]", "/v1/chat/completions"},
      Case{"http://127.0.0.1:65535",
           {false, "127.0.0.1", 65535, ""},
           "127.0.0.1:65535",
           "/v1/chat/completions"});
  INFO(given.text);
  const auto base = parse_base_url(given.text);
  REQUIRE(base.has_value());
  CHECK(*base == given.base);
  CHECK(host_header(*base) == given.host);
  CHECK(call_path(*base, TaskKind::chat) == given.chat);
}

TEST_CASE("base_url: what is refused", "[http][base_url]") {
  const std::string text = GENERATE(
      std::string(), std::string("h:1"), std::string("ftp://h"), std::string("http:/h"),
      std::string("http://"), std::string("http:///v1"), std::string("http://:80"),
      std::string("http://u@h"), std::string("http://u:secret@h"), std::string("http://h?x"),
      std::string("http://h/a#b"), std::string("http://h:0"), std::string("http://h:65536"),
      std::string("http://h:"), std::string("http://h:1x"), std::string("http://h:-1"),
      std::string("http://[::1"), std::string("http://[h]"), std::string("http://[::1]x"),
      std::string("http://[]"), std::string("http://::1"), std::string("http://h /"),
      std::string("http://h/\r\nX: y"), std::string("http://h\0", 9),
      std::string("http://h\xC3\xA4"), std::string("http://a,b"), std::string("unix:/run/x"));
  INFO(text);
  const auto base = parse_base_url(text);
  REQUIRE_FALSE(base.has_value());
  CHECK(base.error().code == ErrorCode::invalid_request);
  CHECK(base.error().message.find("secret") == std::string::npos);
}

TEST_CASE("base_url: each kind of call has its path", "[http][base_url]") {
  const auto plain = *parse_base_url("http://h");
  CHECK(call_path(plain, TaskKind::completion) == "/v1/completions");
  CHECK(call_path(plain, TaskKind::embedding) == "/v1/embeddings");
  CHECK(call_path(plain, TaskKind::native_chat) == "/api/v1/chat");
  CHECK(api_path(plain, "/models") == "/v1/models");
  CHECK(call_path(*parse_base_url("http://h/v1"), TaskKind::native_chat) == "/api/v1/chat");
  CHECK(call_path(*parse_base_url("http://h/x"), TaskKind::native_chat) == "/x/api/v1/chat");
}

}  // namespace signalbox::http
