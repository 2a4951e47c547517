// Goal: an edge starts clearly, holds its bounds, costs nothing for what is idle, and stops
// whatever is going on. Method: a real edge, looked at from outside through sockets and /proc.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "tests/http/raw_client.hpp"

using namespace signalbox;
using namespace signalbox::http;
using namespace signalbox::http::test;

namespace {

std::ptrdiff_t entries(const char* folder) {
  return std::distance(std::filesystem::directory_iterator(folder),
                       std::filesystem::directory_iterator());
}

std::ptrdiff_t open_descriptors() {
  return entries("/proc/self/fd");
}
std::ptrdiff_t threads() {
  return entries("/proc/self/task");
}

/// A handler that answers when its client or the edge hangs up.
void hold(const Request&, Responder& responder) {
  const auto gone = std::make_shared<std::promise<void>>();
  responder.on_hang_up([gone] { gone->set_value(); });
  must(gone->get_future().wait_for(patience) == std::future_status::ready);
  responder.send({});
}

}  // namespace

TEST_CASE("server: a port has one edge", "[http][server]") {
  Edge edge;
  auto options = test_options();
  options.port = edge.port();
  Server second(options, echo, error_body);
  const auto bound = second.bind();
  REQUIRE_FALSE(bound.has_value());
  CHECK(bound.error().code == ErrorCode::invalid_request);
  CHECK(bound.error().message.find("in use") != std::string::npos);
  // Once it has stopped, the port is free again.
  CHECK(edge.connect().ask(get).status == 200);
  edge.server().stop(0ms);
  CHECK(second.bind().has_value());
}

TEST_CASE("server: an address that is none is an error", "[http][server]") {
  auto options = test_options();
  options.bind = "256.1.1.1";
  Server server(options, echo, error_body);
  REQUIRE_FALSE(server.bind().has_value());
}

TEST_CASE("server: IPv6 is served where there is one", "[http][server]") {
  auto options = test_options();
  options.bind = "::1";
  Server server(options, echo, error_body);
  if (server.bind()) server.run();
}

TEST_CASE("server: stops without ever having bound or run, and twice", "[http][server]") {
  Server unbound(test_options(), echo, error_body);
  unbound.stop(1s);
  Server bound(test_options(), echo, error_body);
  REQUIRE(bound.bind().has_value());
  bound.stop(1s);
  bound.stop(1s);
}

TEST_CASE("server: connections made before run() are served", "[http][server]") {
  Server server(test_options(), echo, error_body);
  RawClient client(*server.bind());
  REQUIRE(client.connected());
  client.send(get);
  server.run();
  CHECK(client.reply().status == 200);
}

TEST_CASE("server: stop lets a request in progress end", "[http][server]") {
  std::promise<void> gate;
  Edge edge([&](const Request& request, Responder& responder) {
    gate.get_future().wait();
    echo(request, responder);
  });
  auto busy = edge.connect();
  auto idle = edge.connect();
  busy.send(get + get);
  REQUIRE(eventually([&] { return edge.server().requests_in_progress() == 1; }));
  auto stopped = std::async(std::launch::async, [&] { edge.server().stop(patience); });
  CHECK(idle.wait_for_close());
  CHECK(stopped.wait_for(0ms) == std::future_status::timeout);
  gate.set_value();
  stopped.wait();
  const auto reply = busy.reply();
  CHECK(reply.status == 200);
  CHECK(reply.has("Connection: close\r\n"));
  CHECK(busy.wait_for_close());
  CHECK_FALSE(edge.connect().connected());
}

TEST_CASE("server: stop cuts what does not end in time", "[http][server]") {
  auto holding = std::make_unique<Edge>(hold);
  auto streaming = std::make_unique<Edge>([](const Request&, Responder& responder) {
    responder.begin_stream({});
    const std::string block(1 << 16, 'x');
    while (responder.write(block)) {
    }
  });
  for (const auto& edge : {holding.get(), streaming.get()}) {
    std::vector<RawClient> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(edge->connect());
      clients.back().send(get);
    }
    REQUIRE(eventually([&] { return edge->server().requests_in_progress() == 20; }));
    edge->server().stop(20ms);
    CHECK(edge->server().requests_in_progress() == 0);
    for (auto& client : clients) CHECK(client.wait_for_close());
  }
}

TEST_CASE("server: too many requests are refused, too many connections closed", "[http][server]") {
  auto options = test_options();
  options.max_requests = 2;
  options.max_connections = 4;
  Edge edge(hold, options);
  std::vector<RawClient> holders;
  for (int i = 0; i < 2; ++i) {
    holders.push_back(edge.connect());
    holders.back().send(get);
  }
  REQUIRE(eventually([&] { return edge.server().requests_in_progress() == 2; }));
  const auto descriptors = open_descriptors();
  auto third = edge.connect();
  const auto refused = third.ask(get);
  CHECK(refused.status == 429);
  CHECK(refused.has("Retry-After: 1\r\n"));
  CHECK(third.wait_for_close());
  third.close();
  REQUIRE(eventually([&] { return open_descriptors() == descriptors; }));
  // Two have room; the others are closed, and the holders are not touched.
  std::vector<RawClient> idle;
  for (int i = 0; i < 4; ++i) idle.push_back(edge.connect());
  CHECK(idle.back().wait_for_close());
  CHECK(edge.server().requests_in_progress() == 2);
  holders.clear();
  idle.clear();
  CHECK(eventually([&] { return edge.server().requests_in_progress() == 0; }));
}

TEST_CASE("server: a thousand idle connections cost no threads", "[http][server]") {
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 8192);
  ::setrlimit(RLIMIT_NOFILE, &descriptors);

  Edge edge;
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(edge.connect());
    REQUIRE(clients.back().ask(get).status == 200);
  }
  CHECK(threads() < 40);
  for (auto& client : clients) REQUIRE(client.ask(get).status == 200);
}

TEST_CASE("server: no descriptor is left behind, however connections end", "[http][server]") {
  const auto before = open_descriptors();
  {
    Edge edge;
    const auto running = open_descriptors();
    for (int i = 0; i < 200; ++i) {
      auto client = edge.connect();
      switch (i % 5) {
        case 0:
          client.ask(get);
          break;
        case 1:
          client.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
          break;
        case 2:
          client.ask("nonsense\r\n\r\n");
          break;
        case 3:
          client.send("POST / HTTP/1.1\r\nHo");
          break;
        default:
          client.send(get);
          client.reset();
      }
    }
    CHECK(eventually([&] { return open_descriptors() == running; }));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("server: many clients at once, each with its own answer", "[http][server]") {
  Edge edge;
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 16; ++c) {
    clients.emplace_back([&, c] {
      auto client = edge.connect();
      for (int i = 0; i < 100; ++i) {
        const auto body = std::to_string(c) + ":" + std::to_string(i);
        if (client.ask(post(body)).body == "POST\n/p\n\n" + body) ++right;
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(right == 1600);
}
