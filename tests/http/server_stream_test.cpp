// Goal: streams arrive as they are written, end as they ended, and a hang-up is heard of at once,
// but never too late. Method: handlers that wait for the test, and clients that leave.
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>

#include "tests/http/raw_client.hpp"

using namespace signalbox;
using namespace signalbox::http;
using namespace signalbox::http::test;

namespace {

Response event_stream() {
  Response response;
  response.content_type = "text/event-stream";
  response.headers = {{"X-Request-Id", "r"}};
  return response;
}

const std::string get_1_0 = "GET / HTTP/1.0\r\n\r\n";

/// Blocks a handler until the test, or a hang-up, opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(x_mutex);
    x_open = true;
    x_opened.notify_all();
  }
  /// @returns false when nobody opened it in time.
  bool pass() {
    std::unique_lock lock(x_mutex);
    return x_opened.wait_for(lock, patience, [&] { return x_open; });
  }

 private:
  std::mutex x_mutex;
  std::condition_variable x_opened;
  bool x_open = false;
};

}  // namespace

TEST_CASE("server: each write of a stream arrives before the next is made", "[http][server]") {
  Gate first;
  Gate second;
  Edge edge([&](const Request&, Responder& responder) {
    responder.begin_stream(event_stream());
    must(first.pass());
    must(responder.write("data: 1\n\n"));
    must(responder.write(""));
    must(second.pass());
    must(responder.write("data: 2\n\n"));
    responder.end_stream();
  });
  auto client = edge.connect();
  client.send(get);
  REQUIRE(client.wait_for("\r\n\r\n"));
  first.open();
  REQUIRE(client.wait_for("9\r\ndata: 1\n\n\r\n"));
  second.open();
  const auto reply = client.reply();
  CHECK(reply.complete);
  CHECK(reply.body == "data: 1\n\ndata: 2\n\n");
  CHECK(reply.has("Content-Type: text/event-stream\r\n"));
  CHECK(reply.has("Cache-Control: no-store\r\n"));
  CHECK(reply.has("X-Accel-Buffering: no\r\n"));
  CHECK(reply.has("X-Request-Id: r\r\n"));
  CHECK_FALSE(reply.has("Content-Length"));
  // The connection goes on.
  client.send(get);
  CHECK(client.wait_for("0\r\n\r\n"));
}

TEST_CASE("server: HTTP/1.0 and HEAD get the streams they can understand", "[http][server]") {
  Edge edge([](const Request&, Responder& responder) {
    responder.begin_stream(event_stream());
    responder.write("data: 1\n\n");
    responder.end_stream();
  });
  auto old = edge.connect();
  const auto reply = old.ask(get_1_0);
  CHECK(reply.complete);
  CHECK(reply.body == "data: 1\n\n");
  CHECK_FALSE(reply.has("Transfer-Encoding"));
  auto head = edge.connect();
  head.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get);
  CHECK(head.reply(true).status == 200);
  CHECK(head.reply().body == "data: 1\n\n");
}

TEST_CASE("server: a stream that is not ended is cut, by return or by exception",
          "[http][server]") {
  Edge edge([](const Request& request, Responder& responder) {
    responder.begin_stream(event_stream());
    responder.write("data: 1\n\n");
    if (request.query == "b=c") throw std::runtime_error("secret");
  });
  for (const std::string& wire : {get, std::string("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}) {
    auto client = edge.connect();
    const auto reply = client.ask(wire);
    CHECK(reply.status == 200);
    CHECK(reply.body == "data: 1\n\n");
    CHECK_FALSE(reply.complete);
  }
  auto old = edge.connect();
  CHECK_FALSE(old.ask(get_1_0).complete);
  CHECK(old.was_reset());
}

TEST_CASE("server: a waiting handler hears of a close, a half-close and a reset",
          "[http][server]") {
  Gate waiting;
  Gate gone;
  std::atomic<int> calls = 0;
  Edge edge([&](const Request&, Responder& responder) {
    responder.on_hang_up([&] {
      ++calls;
      gone.open();
    });
    waiting.open();
    must(gone.pass());
    responder.send({});
  });
  auto client = edge.connect();
  client.send(get);
  REQUIRE(waiting.pass());
  SECTION("close") {
    client.close();
  }
  SECTION("half-close") {
    client.half_close();
    CHECK(client.reply().status == 200);
  }
  SECTION("reset") {
    client.reset();
  }
  SECTION("close after pipelining") {
    client.send(get);
    client.close();
  }
  CHECK(gone.pass());
  CHECK(eventually([&] { return edge.server().requests_in_progress() == 0; }));
  // A pipelined request may have been taken up, and left at once, too.
  CHECK(calls >= 1);
}

TEST_CASE("server: a client that left before the handler asked is reported at once",
          "[http][server]") {
  Gate left;
  Gate told;
  Edge edge([&](const Request&, Responder& responder) {
    must(left.pass());
    // Told of the first, or replaced in time: either way the second is called.
    responder.on_hang_up([] {});
    responder.on_hang_up([&] { told.open(); });
    must(told.pass());
  });
  auto client = edge.connect();
  client.send(get);
  REQUIRE(eventually([&] { return edge.server().requests_in_progress() == 1; }));
  SECTION("by closing") {
    client.close();
  }
  SECTION("by half-closing") {
    client.half_close();
  }
  left.open();
  CHECK(told.pass());
}

TEST_CASE("server: pipelined bytes are no hang-up", "[http][server]") {
  Gate gate;
  std::atomic<int> calls = 0;
  Edge edge([&](const Request& request, Responder& responder) {
    responder.on_hang_up([&] { ++calls; });
    if (request.query == "b=c") must(gate.pass());
    responder.send({});
  });
  auto client = edge.connect();
  client.send(get);
  REQUIRE(eventually([&] { return edge.server().requests_in_progress() == 1; }));
  client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  gate.open();
  CHECK(client.reply().status == 200);
  CHECK(client.reply().status == 200);
  CHECK(calls == 0);
}

TEST_CASE("server: a streaming handler hears of a hang-up, and its writes begin to fail",
          "[http][server]") {
  Gate gone;
  std::promise<bool> last_write;
  Edge edge([&](const Request&, Responder& responder) {
    responder.on_hang_up([&] { gone.open(); });
    responder.begin_stream(event_stream());
    must(responder.write("data: 1\n\n"));
    must(gone.pass());
    last_write.set_value(eventually([&] { return !responder.write("data: 2\n\n"); }));
  });
  auto client = edge.connect();
  client.send(get);
  REQUIRE(client.wait_for("data: 1"));
  client.close();
  CHECK(last_write.get_future().get());
}

TEST_CASE("server: a reader that takes nothing ends its stream, not the server's",
          "[http][server]") {
  auto options = test_options();
  options.write_timeout = 50ms;
  std::promise<void> given_up;
  Edge edge(
      [&](const Request& request, Responder& responder) {
        if (request.path == "/other") return responder.send({});
        responder.begin_stream(event_stream());
        const std::string block(1 << 10, 'x');
        while (responder.write(block)) {
        }
        given_up.set_value();
      },
      options);
  auto stalled = edge.connect();
  stalled.send(get);
  auto other = edge.connect();
  CHECK(other.ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
  CHECK(given_up.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("server: nobody is called back once the answer is given", "[http][server]") {
  std::atomic<int> violations = 0;
  Edge edge([&](const Request&, Responder& responder) {
    std::atomic<bool> answered = false;
    responder.on_hang_up([&] {
      std::this_thread::yield();
      if (answered) ++violations;
    });
    responder.send({});
    answered = true;
  });
  for (int i = 0; i < 200; ++i) {
    auto client = edge.connect();
    client.send(get);
    if (i % 2 == 0) CHECK(client.reply().status == 200);
    client.close();
  }
  CHECK(eventually([&] { return edge.server().requests_in_progress() == 0; }));
  CHECK(violations == 0);
}
