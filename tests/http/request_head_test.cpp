// Goal: no head that two parties could read differently gets through. Method: literal heads, each
// with the status it deserves; then the same of incremental scanning.
#include "http/edge/request_head.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace signalbox;
using namespace signalbox::http;

namespace {

constexpr std::size_t body_limit = 1000;

/// @returns the status of the refusal, 200 when the head is fine, 0 when it is incomplete.
int status_of(const std::string& head) {
  std::size_t scanned = 0;
  const auto end = find_head_end(head, scanned);
  if (!end) return end.error().status;
  if (*end == 0) return 0;
  const auto parsed = parse_request_head(head.substr(0, *end), body_limit);
  return parsed ? 200 : parsed.error().status;
}

RequestHead parsed(const std::string& head) {
  const auto result = parse_request_head(head, body_limit);
  REQUIRE(result.has_value());
  return *result;
}

/// A GET with one more header line.
std::string with(const std::string& line) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
}

std::string post_with(const std::string& lines) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n\r\n";
}

}  // namespace

TEST_CASE("request_head: a plain request is read as it is on the wire", "[http][request_head]") {
  const auto head = parsed(
      "POST /v1/a%2Fb?x=%20&y HTTP/1.1\r\nHost: localhost:8642\r\nX-Odd:  two words \r\n"
      "Content-Length: 12\r\nx-odd:\r\n\r\n");
  CHECK(head.method == "POST");
  CHECK(head.path == "/v1/a%2Fb");
  CHECK(head.query == "x=%20&y");
  CHECK(head.content_length == 12);
  CHECK_FALSE(head.chunked);
  CHECK(head.keep_alive);
  REQUIRE(head.headers.size() == 4);
  CHECK(head.headers[1] == std::pair<std::string, std::string>("X-Odd", "two words"));
  CHECK(head.headers[3] == std::pair<std::string, std::string>("x-odd", ""));
  CHECK(*find_header(head.headers, "X-ODD") == "two words");
  CHECK(find_header(head.headers, "x-other") == nullptr);
}

TEST_CASE("request_head: bad request lines", "[http][request_head]") {
  const auto line = [](const std::string& text) { return text + "\r\nHost: a\r\n\r\n"; };
  CHECK(status_of(line("GET / HTTP/1.1")) == 200);
  CHECK(status_of(line("BREW /pot HTTP/1.1")) == 200);
  CHECK(status_of(line("GET /")) == 400);
  CHECK(status_of(line("GET  HTTP/1.1")) == 400);
  CHECK(status_of(line("GET / a HTTP/1.1")) == 400);
  CHECK(status_of(line("GET  / HTTP/1.1")) == 400);
  CHECK(status_of(line("GET\t/\tHTTP/1.1")) == 400);
  CHECK(status_of(line("G(T / HTTP/1.1")) == 400);
  CHECK(status_of(line(" GET / HTTP/1.1")) == 400);
  CHECK(status_of(line(std::string(33, 'G') + " / HTTP/1.1")) == 400);
  CHECK(status_of(line("GET / HTTP/1.1 ")) == 400);
  CHECK(status_of(line("GET / http/1.1")) == 400);
  CHECK(status_of(line("GET / HTTP/11")) == 400);
  CHECK(status_of(line("GET / HTTP/2.0")) == 505);
  CHECK(status_of(line("GET / HTTP/1.2")) == 505);
  CHECK(status_of(line("CONNECT a:80 HTTP/1.1")) == 501);
}

TEST_CASE("request_head: targets", "[http][request_head]") {
  const auto target = [](const std::string& text) {
    return status_of("GET " + text + " HTTP/1.1\r\nHost: a\r\n\r\n");
  };
  CHECK(target("/%2F%41?a=%e4") == 200);
  CHECK(target("/%zz") == 400);
  CHECK(target("/%4") == 400);
  CHECK(target("/%") == 400);
  CHECK(target("/a#b") == 400);
  CHECK(target("/\xc3\xa4") == 400);
  CHECK(target(std::string("/\0", 2)) == 400);
  CHECK(target("a/b") == 400);
  CHECK(target("*") == 400);
  CHECK(target("/" + std::string(4095, 'a')) == 200);
  CHECK(target("/" + std::string(4096, 'a')) == 414);
  CHECK(status_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == 200);
  CHECK(target("http://a/b") == 200);
  CHECK(target("http://evil/b") == 400);
  const auto absolute = parsed("GET http://A?q HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(absolute.path == "/");
  CHECK(absolute.query == "q");
}

TEST_CASE("request_head: header syntax", "[http][request_head]") {
  CHECK(status_of(with("A: b")) == 200);
  CHECK(status_of(with("A: \xc3\xa4\tb")) == 200);
  CHECK(status_of(with("A : b")) == 400);
  CHECK(status_of(with("A b: c")) == 400);
  CHECK(status_of(with(": b")) == 400);
  CHECK(status_of(with("nothing")) == 400);
  CHECK(status_of(with("A: b\r\n folded")) == 400);
  CHECK(status_of(with("A: b\r\n\tfolded")) == 400);
  CHECK(status_of(with(std::string("A: b\0c", 6))) == 400);
  CHECK(status_of(with("A: b\rc")) == 400);
  CHECK(status_of(with("A: b\x7f")) == 400);
  CHECK(status_of(with("A: b\nC: d")) == 400);
  CHECK(status_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
  // %0d%0a is text here, and stays text (CVE-2026-45372).
  CHECK(*find_header(parsed(with("A: x%0d%0aB: y")).headers, "a") == "x%0d%0aB: y");
}

TEST_CASE("request_head: names of our side of the wire are dropped", "[http][request_head]") {
  const auto head = parsed(with("REMOTE_ADDR: 1.2.3.4\r\nLocal_Port: 1\r\nRange: bytes=0-"));
  REQUIRE(head.headers.size() == 1);
  CHECK(head.headers[0].first == "Host");
}

TEST_CASE("request_head: Host", "[http][request_head]") {
  const auto host = [](const std::string& value) {
    return status_of("GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n");
  };
  CHECK(host("127.0.0.1:8642") == 200);
  CHECK(host("[::1]:8642") == 200);
  CHECK(host("") == 400);
  CHECK(host("a, b") == 400);
  CHECK(host("a@b") == 400);
  CHECK(host("a/b") == 400);
  CHECK(host("a b") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 200);
  CHECK(status_of(with("Host: a")) == 400);
}

TEST_CASE("request_head: framing", "[http][request_head]") {
  CHECK(status_of(post_with("Content-Length: 0")) == 200);
  CHECK(status_of(post_with("Content-Length: 1000")) == 200);
  CHECK(status_of(post_with("Content-Length: 1001")) == 413);
  CHECK(status_of(post_with("Content-Length: 99999999999999999999999999")) == 413);
  CHECK(status_of(post_with("Transfer-Encoding: chunked")) == 200);
  CHECK(status_of(post_with("Transfer-Encoding: Chunked")) == 200);
  CHECK(status_of(post_with("X: y")) == 200);
  CHECK(status_of("PUT / HTTP/1.1\r\nHost: a\r\n\r\n") == 200);
  CHECK(status_of("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n") == 200);
  CHECK(status_of("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n") == 200);
  for (const char* value : {"-1", "+1", "0x10", "1 1", "1,1", "1;", "", "one", "1.0"}) {
    CAPTURE(value);
    CHECK(status_of(post_with("Content-Length: " + std::string(value))) == 400);
  }
  for (const char* value : {"gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked",
                            "chunked;q=1", "", "\"chunked\""}) {
    CAPTURE(value);
    CHECK(status_of(post_with("Transfer-Encoding: " + std::string(value))) == 400);
  }
  CHECK(status_of(post_with("Content-Length: 1\r\nContent-Length: 1")) == 400);
  CHECK(status_of(post_with("Content-Length: 1\r\nContent-Length: 2")) == 400);
  CHECK(status_of(post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")) == 400);
  CHECK(status_of(post_with("Content-Length: 1\r\nTransfer-Encoding: chunked")) == 400);
  CHECK(status_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(status_of(with("Content-Length: 0")) == 200);
  CHECK(status_of(with("Content-Length: 5")) == 400);
  CHECK(status_of(with("Transfer-Encoding: chunked")) == 400);
  CHECK(status_of("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n") == 400);
  CHECK(status_of("OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n") == 400);
  CHECK(status_of(post_with("Content-Length: 1\r\nContent-Encoding: gzip")) == 415);
}

TEST_CASE("request_head: what a head says about the connection", "[http][request_head]") {
  CHECK_FALSE(parsed(with("Connection: close")).keep_alive);
  CHECK_FALSE(parsed(with("Connection: keep-alive, Close")).keep_alive);
  CHECK(parsed(with("Connection: keep-alive")).keep_alive);
  CHECK_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  CHECK(parsed(with("Expect: 100-Continue")).expects_continue);
  CHECK_FALSE(parsed("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  CHECK(status_of(with("Expect: tea")) == 417);
}

TEST_CASE("request_head: bounds", "[http][request_head]") {
  std::string lines;
  for (int i = 0; i < 99; ++i) lines += "A: b\r\n";
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n") == 200);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n" + lines + "A: b\r\n\r\n") == 431);
  CHECK(status_of(with("A: " + std::string(32'000, 'b'))) == 200);
  CHECK(status_of(with("A: " + std::string(33'000, 'b'))) == 431);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(33'000, 'b')) == 431);
  CHECK(status_of("GET /" + std::string(5'000, 'b')) == 414);
}

TEST_CASE("request_head: the end is found at any split, and noise at once",
          "[http][request_head]") {
  const std::string head = with("A: b");
  std::size_t scanned = 0;
  for (std::size_t size = 1; size < head.size(); ++size) {
    const auto end = find_head_end(head.substr(0, size), scanned);
    REQUIRE(end.has_value());
    CHECK(*end == 0);
  }
  CHECK(*find_head_end(head + "GET /next", scanned) == head.size());
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nA: ") == 0);
  CHECK(status_of("\x16\x03\x01") == 400);
  CHECK(status_of("GET / HTTP/1.1\n") == 400);
}
