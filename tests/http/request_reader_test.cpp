// Goal: the same requests come out however their bytes were cut, and no body gets past its limit.
// Method: bytes in, requests out; chunked bodies in every split.
#include "http/edge/request_reader.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace signalbox;
using namespace signalbox::http;
using Phase = RequestReader::Phase;

namespace {

constexpr std::size_t body_limit = 100;

std::string chunked(const std::string& body) {
  return "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

/// @returns the status the body is refused with, 200 when it is complete, 0 when there must be
/// more.
int status_of_chunks(const std::string& body) {
  RequestReader reader(body_limit);
  const auto phase = reader.feed(chunked(body));
  if (phase == Phase::refused) return reader.refusal().status;
  return phase == Phase::complete ? 200 : 0;
}

}  // namespace

TEST_CASE("request_reader: requests come out whole at every split", "[http][request_reader]") {
  const std::string wire = "\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" +
                           chunked("3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: v\r\n\r\n") +
                           "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    CAPTURE(step);
    RequestReader reader(body_limit);
    std::vector<Request> requests;
    for (std::size_t at = 0; at < wire.size(); at += step) {
      auto phase = reader.feed(wire.substr(at, step));
      for (; phase == Phase::complete; phase = reader.feed({})) {
        requests.push_back(reader.take().request);
      }
    }
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].body == "hello");
    CHECK(requests[1].body == "abc0123456789");
    CHECK(requests[2].path == "/3");
    CHECK(reader.phase() == Phase::idle);
  }
}

TEST_CASE("request_reader: no cut changes what damaged bytes are read as",
          "[http][request_reader]") {
  const std::string sound = "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" +
                            chunked("3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\n");
  const auto read = [](const std::string& wire, std::size_t step) {
    RequestReader reader(body_limit);
    std::string log;
    for (std::size_t at = 0; at < wire.size() && reader.phase() != Phase::refused; at += step) {
      auto phase = reader.feed(wire.substr(at, step));
      for (; phase == Phase::complete; phase = reader.feed({})) {
        const auto request = reader.take().request;
        log += request.method + request.path + request.query + request.body + "\n";
      }
      if (phase == Phase::refused) log += std::to_string(reader.refusal().status);
    }
    return log;
  };
  std::mt19937 random(1);
  for (int round = 0; round < 5'000; ++round) {
    std::string wire = sound;
    for (int damage = 0; damage < 3; ++damage) {
      const auto at = random() % wire.size();
      switch (random() % 3) {
        case 0:
          wire[at] = "\r\n :;,%0aF\0\x80"[random() % 13];
          break;
        case 1:
          wire.erase(at, random() % 4);
          break;
        default:
          wire.insert(at, wire.substr(random() % wire.size(), random() % 8));
      }
    }
    CAPTURE(wire);
    REQUIRE(read(wire, 1) == read(wire, wire.size()));
  }
}

TEST_CASE("request_reader: phases tell what is waited for", "[http][request_reader]") {
  RequestReader reader(body_limit);
  CHECK(reader.feed("") == Phase::idle);
  CHECK(reader.feed("\r") == Phase::idle);
  CHECK(reader.feed("\n") == Phase::idle);
  CHECK(reader.feed("P") == Phase::head);
  CHECK(reader.feed("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n") == Phase::body);
  CHECK_FALSE(reader.take_continue());
  CHECK(reader.feed("x") == Phase::body);
  CHECK(reader.body_bytes() == 1);
  CHECK(reader.feed("y") == Phase::complete);
  reader.take();
  CHECK(reader.feed("\r\n\r\n") == Phase::refused);
}

TEST_CASE("request_reader: 100 Continue is owed once, and only for a body that is missing",
          "[http][request_reader]") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ";
  RequestReader reader(body_limit);
  reader.feed(head + "1\r\n\r\n");
  CHECK(reader.take_continue());
  CHECK_FALSE(reader.take_continue());
  RequestReader empty(body_limit);
  CHECK(empty.feed(head + "0\r\n\r\n") == Phase::complete);
  CHECK_FALSE(empty.take_continue());
}

TEST_CASE("request_reader: malformed chunks are refused", "[http][request_reader]") {
  CHECK(status_of_chunks("0\r\n\r\n") == 200);
  CHECK(status_of_chunks("0;a=\"b\"\r\n\r\n") == 200);
  CHECK(status_of_chunks("1 ;a\r\nx\r\n0\r\n\r\n") == 200);
  CHECK(status_of_chunks("1\r\nx\r\n") == 0);
  for (const char* body :
       {"-1\r\n", "+1\r\nx\r\n", "0x1\r\nx\r\n", " 1\r\nx\r\n", "\r\n", "g\r\n", "1\nx\r\n",
        "1\r\nxy\r\n", "1\r\nx\n0\r\n\r\n", "1 2\r\nx\r\n", "1;a\x01\r\nx\r\n",
        "00000000000000001\r\nx\r\n", "0\r\nno colon\r\n\r\n", "0\r\nA : b\r\n\r\n",
        "0\r\nA: b\n\r\n", "1 \r\nx\r\n"}) {
    CAPTURE(body);
    CHECK(status_of_chunks(body) == 400);
  }
}

TEST_CASE("request_reader: chunked bodies and what surrounds them are bounded",
          "[http][request_reader]") {
  CHECK(status_of_chunks("64\r\n" + std::string(100, 'x') + "\r\n0\r\n\r\n") == 200);
  CHECK(status_of_chunks("65\r\n") == 413);
  CHECK(status_of_chunks("60\r\n" + std::string(96, 'x') + "\r\n5\r\n") == 413);
  CHECK(status_of_chunks("ffffffffffffffff\r\n") == 413);
  CHECK(status_of_chunks("7fffffffffffffff\r\n") == 413);
  CHECK(status_of_chunks("1;" + std::string(5'000, 'x')) == 400);
  CHECK(status_of_chunks("0\r\nA: " + std::string(9'000, 'x') + "\r\n\r\n") == 400);
  std::string many_trailers = "0\r\n";
  for (int i = 0; i < 1'000; ++i) many_trailers += "Name: value\r\n";
  CHECK(status_of_chunks(many_trailers) == 400);
  std::string many_extensions;
  for (int i = 0; i < 90; ++i) many_extensions += "1;" + std::string(200, 'e') + "\r\nx\r\n";
  CHECK(status_of_chunks(many_extensions) == 400);
}
