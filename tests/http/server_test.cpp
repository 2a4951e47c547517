// Goal: well-behaved clients get what HTTP/1 promises them. Method: a real edge on a loopback
// socket, exact bytes in, replies parsed.
#include "http/edge/server.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <string>

#include "tests/http/raw_client.hpp"

using namespace signalbox;
using namespace signalbox::http;
using namespace signalbox::http::test;

TEST_CASE("server: a request reaches the handler as sent, its answer the client",
          "[http][server]") {
  Edge edge([](const Request& request, Responder& responder) {
    must(request.remote_address == "127.0.0.1");
    must(*find_header(request.headers, "x-percent") == "%0d%0a");
    Response response;
    response.status = 201;
    response.headers = {{"Location", "/there"},
                        {"X-Bad", "a\r\nInjected: 1"},
                        {"Content-Length", "1"},
                        {"Transfer-Encoding", "chunked"}};
    response.body = request.method + " " + request.path + " " + request.query;
    responder.send(std::move(response));
  });
  auto client = edge.connect();
  const auto reply = client.ask(
      "GET /a%2Fb?c=%20 HTTP/1.1\r\nHost: localhost\r\nX-Percent: %0d%0a\r\n"
      "Accept-Encoding: gzip, br\r\nRange: bytes=0-0\r\n\r\n");
  CHECK(reply.status == 201);
  CHECK(reply.body == "GET /a%2Fb c=%20");
  CHECK(reply.has("Content-Type: application/json\r\n"));
  CHECK(reply.has("Location: /there\r\n"));
  CHECK_FALSE(reply.has("Injected"));
  CHECK_FALSE(reply.has("Transfer-Encoding"));
  CHECK_FALSE(reply.has("Content-Encoding"));
}

TEST_CASE("server: every method reaches the handler, with the bodies it may have",
          "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  for (const std::string method : {"GET", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    CHECK(client.ask(method + " /x HTTP/1.1\r\nHost: a\r\n\r\n").body == method + "\n/x\n\n");
  }
  for (const std::string method : {"POST", "PUT", "PATCH", "DELETE", "BREW"}) {
    CHECK(client.ask(method + " /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").body ==
          method + "\n/x\n\nhi");
  }
}

TEST_CASE("server: HEAD has the head of GET and no body", "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get);
  const auto head = client.reply(true);
  CHECK(head.status == 200);
  CHECK(head.has("Content-Length: 9\r\n"));
  CHECK_FALSE(head.has("Accept-Ranges"));
  CHECK(client.reply().body == "GET\n/a\nb=c\n");
}

TEST_CASE("server: 204 says nothing about a body", "[http][server]") {
  Edge edge([](const Request&, Responder& responder) {
    Response response;
    response.status = 204;
    responder.send(response);
  });
  auto client = edge.connect();
  for (int i = 0; i < 2; ++i) {
    const auto reply = client.ask(get);
    CHECK(reply.status == 204);
    CHECK_FALSE(reply.has("Content-"));
  }
}

TEST_CASE("server: connections are kept or closed as asked", "[http][server]") {
  Edge edge;
  auto kept = edge.connect();
  for (int i = 0; i < 50; ++i) {
    const auto reply = kept.ask(get);
    CHECK(reply.status == 200);
    CHECK(reply.has("Keep-Alive: timeout=75\r\n"));
    CHECK_FALSE(reply.has("Connection: close"));
  }
  auto closed = edge.connect();
  CHECK(closed.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .has("Connection: close\r\n"));
  CHECK(closed.wait_for_close());
  auto old = edge.connect();
  CHECK(old.ask("GET / HTTP/1.0\r\n\r\n").complete);
  CHECK(old.wait_for_close());
  auto old_kept = edge.connect();
  for (int i = 0; i < 2; ++i) {
    CHECK(old_kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
              .has("Connection: keep-alive\r\n"));
  }
}

TEST_CASE("server: a connection that pauses longer than a worker lingers goes on",
          "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  for (int i = 0; i < 5; ++i) {
    CHECK(client.ask(get).status == 200);
    std::this_thread::sleep_for(10ms);  // what is tested is the passing of time
  }
}

TEST_CASE("server: pipelined requests are answered in order", "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  std::string wire;
  for (int i = 0; i < 200; ++i) {
    wire += post("body" + std::to_string(i));
    wire +=
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  }
  client.send(wire);
  for (int i = 0; i < 200; ++i) {
    CHECK(client.reply().body == "POST\n/p\n\nbody" + std::to_string(i));
    CHECK(client.reply().body == "POST\n/c\n\nabc");
  }
  client.send(get + "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + get);
  CHECK(client.reply().status == 200);
  CHECK(client.reply().body == "GET\n/last\n\n");
  CHECK(client.wait_for_close());
  CHECK(client.received().empty());
}

TEST_CASE("server: a request byte by byte", "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  for (const char c : post("slow")) client.send({&c, 1});
  CHECK(client.reply().body == "POST\n/p\n\nslow");
}

TEST_CASE("server: bodies up to the limit, whole and chunked", "[http][server]") {
  auto options = test_options();
  options.max_body_bytes = 3'000'000;
  Edge edge(echo, options);
  const std::string body(3'000'000, 'b');
  auto client = edge.connect();
  CHECK(client.ask(post(body)).body == "POST\n/p\n\n" + body);
  std::string chunks;
  for (int i = 0; i < 300; ++i) chunks += "2710\r\n" + std::string(10'000, 'b') + "\r\n";
  CHECK(client
            .ask("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks +
                 "0\r\n\r\n")
            .body == "POST\n/p\n\n" + body);
}

TEST_CASE("server: a client that expects 100 Continue gets it before its body", "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  for (int i = 0; i < 2; ++i) {
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.reply().status == 100);
    CHECK(client.ask("hi").body == "POST\n/p\n\nhi");
  }
  const auto refused = client.ask(
      "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  CHECK(refused.status == 413);
}

TEST_CASE("server: a client that half-closes after its request gets its answer", "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  client.send(get);
  client.half_close();
  CHECK(client.reply().status == 200);
  CHECK(client.wait_for_close());
}

TEST_CASE("server: a failing handler is a 500 that tells nothing", "[http][server]") {
  Edge edge([](const Request& request, Responder& responder) {
    if (request.path == "/late") responder.send({});
    if (request.path == "/throw") throw std::runtime_error("secret");
    if (request.path == "/late") throw 42;
    if (request.path == "/twice") {
      responder.send({});
      responder.send({});
    }
    if (request.path == "/unbegun") responder.write("x");
  });
  auto client = edge.connect();
  for (const std::string path : {"/throw", "/late", "/silent", "/twice", "/unbegun"}) {
    const auto reply = client.ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(reply.status == 500);
    CHECK(reply.body == "500 none The request failed here.");
    CHECK_FALSE(reply.has("secret"));
    CHECK_FALSE(reply.has("EXCEPTION"));
  }
}

TEST_CASE("server: a large answer reaches a slow reader whole", "[http][server]") {
  const std::string large(8'000'000, 'x');
  Edge edge([&](const Request&, Responder& responder) {
    Response response;
    response.body = large;
    responder.send(std::move(response));
  });
  auto client = edge.connect();
  client.send(get);
  CHECK(eventually([&] { return edge.server().requests_in_progress() == 1; }));
  CHECK(client.reply().body == large);
}
