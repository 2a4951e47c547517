// Goal: what has broken cpp-httplib 0.11.4, or servers like it, gets one clear refusal and a closed
// connection here, and disturbs nobody else. Method: the attacks as literal bytes.
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/http/raw_client.hpp"

using namespace signalbox;
using namespace signalbox::http;
using namespace signalbox::http::test;

namespace {

/// Sends `wire` on its own connection. @returns the status of the only reply, after the close.
int refusal_of(const Edge& edge, const std::string& wire) {
  auto client = edge.connect();
  client.send(wire);
  const auto reply = client.reply();
  CHECK(reply.has("Connection: close\r\n"));
  CHECK(reply.has("Content-Type: application/json\r\n"));
  CHECK(reply.complete);
  CHECK(client.wait_for_close());
  // A second reply would be the rest of the wire taken for a request.
  CHECK(client.received().empty());
  return reply.status;
}

const std::string post_head = "POST /p HTTP/1.1\r\nHost: a\r\n";
const std::string smuggled = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace

TEST_CASE("server: ambiguous framing is refused and what follows is not a request",
          "[http][server]") {
  std::atomic<int> handled = 0;
  Edge edge([&](const Request& request, Responder& responder) {
    ++handled;
    echo(request, responder);
  });
  const auto after = [&](const std::string& headers) {
    return refusal_of(edge, post_head + headers + "\r\n\r\n" + smuggled);
  };
  CHECK(after("Content-Length: 5\r\nContent-Length: 6") == 400);
  CHECK(after("Content-Length: 5\r\nTransfer-Encoding: chunked") == 400);
  CHECK(after("Content-Length: -1") == 400);
  CHECK(after("Content-Length: 0x5") == 400);
  CHECK(after("Transfer-Encoding: gzip, chunked") == 400);
  CHECK(after("Transfer-Encoding : chunked") == 400);
  CHECK(after("Content-Length: 5\r\nContent-Encoding: gzip") == 415);
  CHECK(after("Content-Length: 9999999999") == 413);
  CHECK(refusal_of(edge, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                             std::to_string(smuggled.size()) + "\r\n\r\n" + smuggled) == 400);
  CHECK(handled == 0);
}

TEST_CASE("server: malformed and oversized heads are refused", "[http][server]") {
  Edge edge;
  CHECK(refusal_of(edge, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  CHECK(refusal_of(edge, "GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(refusal_of(edge, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n") == 400);
  CHECK(refusal_of(edge, "GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(refusal_of(edge, "\x16\x03\x01\x02") == 400);
  CHECK(refusal_of(edge, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
  CHECK(refusal_of(edge, "GET /" + std::string(5'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") ==
        414);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "A: b\r\n";
  CHECK(refusal_of(edge, "GET / HTTP/1.1\r\nHost: a\r\n" + many + "\r\n") == 431);
  CHECK(refusal_of(edge, "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(10'000'000, 'a')) == 431);
}

TEST_CASE("server: a refusal survives a body that is still being sent", "[http][server]") {
  Edge edge;
  auto client = edge.connect();
  client.send(post_head + "Content-Length: 16000000\r\n\r\n");
  client.send(std::string(16'000'000, 'x'));
  CHECK(client.reply().status == 413);
}

TEST_CASE("server: chunked bodies cannot get past their limit", "[http][server]") {
  auto options = test_options();
  options.max_body_bytes = 1'000'000;
  Edge edge(echo, options);
  const auto chunks = [&](const std::string& body) {
    return refusal_of(edge, post_head + "Transfer-Encoding: chunked\r\n\r\n" + body);
  };
  CHECK(chunks("-1\r\n") == 400);
  CHECK(chunks("ffffffffffffffff\r\n") == 413);
  CHECK(chunks("0\r\nT: " + std::string(10'000, 'x')) == 400);
  std::string endless;
  for (int i = 0; i < 400; ++i) endless += "2710\r\n" + std::string(10'000, 'x') + "\r\n";
  CHECK(chunks(endless) == 413);
}

TEST_CASE("server: headers that name our side of the wire do not reach the handler",
          "[http][server]") {
  Edge edge([](const Request& request, Responder& responder) {
    must(find_header(request.headers, "REMOTE_ADDR") == nullptr);
    must(request.remote_address == "127.0.0.1");
    responder.send({});
  });
  auto client = edge.connect();
  CHECK(client.ask("GET / HTTP/1.1\r\nHost: a\r\nREMOTE_ADDR: 10.0.0.1\r\n\r\n").status == 200);
}

TEST_CASE("server: slow heads time out, and meanwhile others are served", "[http][server]") {
  auto options = test_options();
  options.head_timeout = 200ms;
  Edge edge(echo, options);
  std::vector<RawClient> slow;
  for (int i = 0; i < 300; ++i) {
    slow.push_back(edge.connect());
    slow.back().send("GET / HTTP/1.1\r\nHost: ");
  }
  auto client = edge.connect();
  CHECK(client.ask(get).status == 200);
  const auto began = std::chrono::steady_clock::now();
  // A byte now and then buys no time.
  auto& dripping = slow.back();
  while (std::chrono::steady_clock::now() - began < 100ms) {
    dripping.send("a");
    std::this_thread::sleep_for(10ms);
  }
  for (auto& one : slow) {
    CHECK(one.reply().status == 408);
    CHECK(one.wait_for_close());
  }
  CHECK(client.ask(get).status == 200);
}

TEST_CASE("server: a body that stops coming times out, an idle connection is closed",
          "[http][server]") {
  auto options = test_options();
  options.read_timeout = 100ms;
  options.idle_timeout = 300ms;
  Edge edge(echo, options);
  auto stuck = edge.connect();
  stuck.send(post_head + "Content-Length: 10\r\n\r\nhalf");
  auto idle = edge.connect();
  auto silent = edge.connect();
  CHECK(idle.ask(get).status == 200);
  CHECK(stuck.reply().status == 408);
  CHECK(idle.wait_for_close());
  CHECK(silent.wait_for_close());
  CHECK(silent.received().empty());
}

TEST_CASE("server: all bodies that have not come whole have one bound", "[http][server]") {
  auto options = test_options();
  options.max_body_bytes = 200'000;
  options.max_unfinished_body_bytes = 220'000;
  Edge edge(echo, options);
  const std::string body(180'000, 'x');
  const std::string whole = post(body);
  const std::string chunks = post_head + "Transfer-Encoding: chunked\r\n\r\n2BF20\r\n" + body;
  auto first = edge.connect();
  first.send(std::string_view{whole}.substr(0, whole.size() - 1));
  // One thread reads for all, each in turn: by then it has taken what came before.
  for (int i = 0; i < 20; ++i) CHECK(edge.connect().ask(get).status == 200);

  for (const std::string& wire : {whole, chunks}) {
    auto second = edge.connect();
    const auto refusal = second.ask(wire);
    CHECK(refusal.status == 429);
    CHECK(refusal.body.find("queue_full") != std::string::npos);
    CHECK(refusal.has("Retry-After: 1\r\n"));
    CHECK(refusal.has("Connection: close\r\n"));
    CHECK(second.wait_for_close());
  }
  CHECK(edge.connect().ask(post(std::string(10'000, 'y'))).status == 200);

  const auto reply = first.ask("x");
  CHECK(reply.status == 200);
  CHECK(reply.body.find(body) != std::string::npos);
  CHECK(edge.connect().ask(whole).status == 200);
  // Who goes away leaves room, too.
  auto gone = edge.connect();
  gone.send(std::string_view{whole}.substr(0, whole.size() - 1));
  gone.close();
  CHECK(eventually([&] { return edge.connect().ask(whole).status == 200; }));
}

TEST_CASE("server: a body as large as one may be is taken whatever all may be", "[http][server]") {
  auto options = test_options();
  options.max_body_bytes = 200'000;
  options.max_unfinished_body_bytes = 1;
  Edge edge(echo, options);
  CHECK(edge.connect().ask(post(std::string(200'000, 'x'))).status == 200);
}

TEST_CASE("server: clients that vanish at any point do no harm", "[http][server]") {
  Edge edge;
  const auto wire = post("0123456789");
  for (std::size_t size = 0; size <= wire.size(); size += 3) {
    auto resets = edge.connect();
    resets.send(wire.substr(0, size));
    resets.reset();
    auto closes = edge.connect();
    closes.send(wire.substr(0, size));
  }
  auto client = edge.connect();
  CHECK(client.ask(get).status == 200);
  CHECK(eventually([&] { return edge.server().requests_in_progress() == 0; }));
}
