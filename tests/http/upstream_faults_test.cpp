// HttpBackend when the backend or the network fails: which failure each becomes, cancelling, reuse
// of connections.
#include <catch2/catch.hpp>
#include <future>
#include <set>

#include "http/upstream/upstream_client.hpp"
#include "tests/http/raw_server.hpp"
#include "tests/http/upstream_recorder.hpp"

namespace signalbox::http::test {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

const std::string word = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"w\"}}]}\n\n";
const std::string done = "data: [DONE]\n\n";

/// Ends a wait for a moment that is not a condition of this process. Polls, at most 5 s.
template <class Condition>
bool eventually(Condition condition) {
  for (const auto end = steady_clock::now() + 5s; steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

/// @returns a loopback address nobody listens on.
std::string refused_url() {
  const RawServer server([](Peer&) {});
  return server.url();
}

}  // namespace

TEST_CASE("upstream_client: a refused connection is unreachable and retryable",
          "[http][upstream_client]") {
  HttpBackend backend(options_for(refused_url()));
  const auto failure = perform(backend, make_call(true))->failed();
  CHECK(failure.error.code == ErrorCode::backend_unreachable);
  CHECK(failure.retryable);
  CHECK(failure.error.message.find("Connection refused") != std::string::npos);
  std::promise<ErrorCode> code;
  backend.list_models([&](auto models) { code.set_value(models.error().code); });
  CHECK(code.get_future().get() == ErrorCode::backend_unreachable);
}

TEST_CASE("upstream_client: a name that does not resolve is unreachable",
          "[http][upstream_client]") {
  HttpBackend backend(options_for("http://300.300.300.300:1"));
  const auto failure = perform(backend, make_call(false))->failed();
  CHECK(failure.error.code == ErrorCode::backend_unreachable);
  CHECK(failure.retryable);
}

TEST_CASE("upstream_client: answers that break off or are no HTTP", "[http][upstream_client]") {
  struct Case {
    std::string bytes;
    bool streaming;
    ErrorCode code;
  };
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
  const std::string stream = chunked + "Content-Type: text/event-stream\r\n\r\n";
  const auto cut = ErrorCode::backend_stream_failed;
  const auto bad = ErrorCode::backend_error;
  const auto given = GENERATE_COPY(
      Case{"", false, cut}, Case{"HTTP/1.1 200 O", false, cut},
      Case{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", false, cut},
      Case{chunked + "\r\n5\r\nab", false, cut}, Case{chunked + "\r\n2\r\nab\r\n", false, cut},
      Case{chunked + "\r\n2\r\nabXX\r\n0\r\n\r\n", false, bad},
      Case{chunked + "\r\nnonsense\r\n", false, bad}, Case{"SSH-2.0-nonsense\r\n", false, bad},
      Case{"HTTP/1.1 " + std::string(5000, '2') + "\r\n\r\n", false, bad},
      Case{"HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n", false, bad},
      Case{stream, true, cut}, Case{stream + "0\r\n\r\n", true, cut},
      Case{stream + "5\r\ndata:\r\n", true, cut}, Case{stream + "1\r\n\n\r\nzz\r\n", true, cut},
      Case{stream + "-2\r\nxx", true, cut},
      Case{chunked + "\r\n" + std::string(100'000, '1'), false, bad},
      Case{"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", false, bad});
  const bool reset = GENERATE(false, true);
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.send(given.bytes);
    if (reset && given.bytes.empty()) peer.reset_on_close();
  });
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(given.streaming));
  const auto failure = recorder->failed();
  INFO(given.bytes.substr(0, 120));
  INFO(failure.error.message);
  CHECK(failure.error.code == given.code);
  CHECK(failure.retryable);
  CHECK_FALSE(recorder->began());
  CHECK(server.accepted() == 1);
}

TEST_CASE("upstream_client: a stream cut after its first event keeps what came",
          "[http][upstream_client]") {
  const std::string rest = GENERATE(std::string(), "data: {\"cho", "data: x\n", ": ping\n\n");
  const bool polite = GENERATE(false, true);
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.begin_stream();
    peer.chunk(word + rest);
    if (polite) peer.send("0\r\n\r\n");
  });
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(true));
  const auto failure = recorder->failed();
  CHECK(failure.error.code == ErrorCode::backend_stream_failed);
  CHECK(failure.retryable);
  CHECK(recorder->began());
  CHECK(recorder->text() == (rest == ": ping\n\n" ? word + rest : word));
}

TEST_CASE("upstream_client: answers over the bound fail for good", "[http][upstream_client]") {
  const bool streaming = GENERATE(false, true);
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.begin_stream();
    while (peer.chunk(word)) {
    }
  });
  auto options = options_for(server.url());
  options.max_response_bytes = 50'000;
  HttpBackend backend(options);
  const auto failure = perform(backend, make_call(streaming))->failed();
  CHECK(failure.error.code == ErrorCode::backend_error);
  CHECK_FALSE(failure.retryable);
}

TEST_CASE("upstream_client: a compressed answer is refused", "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "zz", "Content-Encoding: gzip\r\n");
  });
  HttpBackend backend(options_for(server.url()));
  CHECK(perform(backend, make_call(false))->failed().error.code == ErrorCode::backend_error);
}

TEST_CASE("upstream_client: a silent backend is given up after the read timeout",
          "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    static_cast<void>(peer.wait_for_close());
  });
  auto options = options_for(server.url());
  options.read_timeout = 60ms;
  HttpBackend backend(options);
  const auto failure = perform(backend, make_call(false))->failed();
  CHECK(failure.error.code == ErrorCode::backend_stream_failed);
  CHECK(failure.retryable);
}

TEST_CASE("upstream_client: an early answer to a large request is heard",
          "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    // Not read: the client is still sending when this comes.
    peer.answer(413, R"({"error":{"message":"too large"}})", "Connection: close\r\n");
    static_cast<void>(peer.wait_for_close());
  });
  HttpBackend backend(options_for(server.url()));
  const auto call = make_call(false, "{\"model\":\"" + std::string(8 << 20, 'a') + "\",\"b\":\"" +
                                         std::string(8 << 20, 'b') + "\"}");
  CHECK(perform(backend, call)->failed().error.message == "too large");
}

// -- cancel ---------------------------------------------------------------------------------------

TEST_CASE("upstream_client: cancel closes the connection at once", "[http][upstream_client]") {
  enum class Stage { before_answer, in_stream, busy_stream };
  const auto stage = GENERATE(Stage::before_answer, Stage::in_stream, Stage::busy_stream);
  std::promise<void> asked;
  std::promise<steady_clock::time_point> closed;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    if (stage != Stage::before_answer) {
      peer.begin_stream();
      peer.chunk(word);
    }
    asked.set_value();
    if (stage == Stage::busy_stream)
      while (peer.chunk(word)) {
      }
    if (peer.wait_for_close()) closed.set_value(steady_clock::now());
  });
  HttpBackend backend(options_for(server.url()));
  const auto recorder = Recorder::make();
  const auto number = backend.start(make_call(true), Recorder::listener(recorder));
  asked.get_future().get();
  if (stage != Stage::before_answer) REQUIRE(recorder->wait_for_text(word));
  const auto begin = steady_clock::now();
  backend.cancel(number);
  REQUIRE(recorder->wait());
  // It takes well under a millisecond; the bound leaves room for a busy machine.
  auto seen = closed.get_future();
  REQUIRE(seen.wait_for(5s) == std::future_status::ready);
  CHECK(seen.get() - begin < 1s);
  CHECK(recorder->failed().error.code == ErrorCode::backend_stream_failed);
  CHECK_FALSE(recorder->failed().retryable);
  CHECK(recorder->in_order());
  CHECK(recorder->ends() == 1);
  backend.cancel(number);
  backend.cancel(0);
  CHECK(eventually([&] { return backend.calls_in_progress() == 0; }));
}

TEST_CASE("upstream_client: cancel ends a connection attempt", "[http][upstream_client]") {
  // A full accept queue: the kernel drops further connection requests.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  const auto url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  auto options = options_for(url);
  options.connect_timeout = GENERATE(5'000ms, 50ms);
  HttpBackend backend(options);
  const auto recorder = Recorder::make();
  const auto begin = steady_clock::now();
  const auto number = backend.start(make_call(true), Recorder::listener(recorder));
  std::this_thread::sleep_for(5ms);
  if (options.connect_timeout > 1s) backend.cancel(number);
  REQUIRE(recorder->wait());
  CHECK(steady_clock::now() - begin < 3s);
  CHECK(recorder->failed().retryable == (options.connect_timeout < 1s));
  for (const int fd : fillers) ::close(fd);
  ::close(listener);
}

TEST_CASE("upstream_client: the destructor cancels what runs", "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    static_cast<void>(peer.wait_for_close());
  });
  std::vector<std::shared_ptr<Recorder>> recorders;
  {
    HttpBackend backend(options_for(server.url()));
    for (int i = 0; i < 10; ++i) {
      recorders.push_back(Recorder::make());
      backend.start(make_call(i % 2 == 0), Recorder::listener(recorders.back()));
    }
    backend.list_models([](const auto& models) { static_cast<void>(models); });
  }
  for (const auto& recorder : recorders) CHECK(recorder->ends() == 1);
}

TEST_CASE("upstream_client: cancelling at any moment gives exactly one end",
          "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    while (!peer.read_request().empty()) {
      peer.begin_stream();
      if (!peer.chunk(word + word) || !peer.chunk(done) || !peer.send("0\r\n\r\n")) return;
    }
  });
  HttpBackend backend(options_for(server.url()));
  for (int i = 0; i < 300; ++i) {
    const auto recorder = Recorder::make();
    const auto number = backend.start(make_call(true), Recorder::listener(recorder));
    for (const auto end = steady_clock::now() + i * 1us; steady_clock::now() < end;) {
    }
    backend.cancel(number);
    REQUIRE(recorder->wait());
    CHECK(recorder->ends() == 1);
    CHECK(recorder->in_order());
  }
}

// -- connections ----------------------------------------------------------------------------------

TEST_CASE("upstream_client: connections are used again unless they must not be",
          "[http][upstream_client]") {
  const std::string headers = GENERATE(std::string(), "Connection: Close\r\n");
  RawServer server([&](Peer& peer) {
    while (!peer.read_request().empty()) peer.answer(200, "{}", headers);
  });
  HttpBackend backend(options_for(server.url()));
  for (int i = 0; i < 3; ++i) CHECK(*perform(backend, make_call(false))->finished().body == "{}");
  CHECK(server.accepted() == (headers.empty() ? 1 : 3));
}

TEST_CASE("upstream_client: a stale connection is replaced once", "[http][upstream_client]") {
  // The first connection answers one request and is closed upon the next, as when a server's idle
  // timeout strikes while the request is on its way.
  const bool second_works = GENERATE(true, false);
  const bool reset = GENERATE(true, false);
  RawServer server([&](Peer& peer) {
    if (peer.number() == 1) {
      peer.read_request();
      peer.answer(200, "{}");
    }
    if (reset) peer.reset_on_close();
    peer.read_request();
    if (peer.number() == 2 && second_works) peer.answer(200, "{}", "Connection: close\r\n");
  });
  HttpBackend backend(options_for(server.url()));
  CHECK(perform(backend, make_call(false))->finished().status == 200);
  const auto recorder = perform(backend, make_call(false));
  if (second_works) {
    CHECK(recorder->finished().status == 200);
  } else {
    CHECK(recorder->failed().error.code == ErrorCode::backend_stream_failed);
    CHECK(recorder->failed().retryable);
  }
  CHECK(server.accepted() == 2);
}

TEST_CASE("upstream_client: no second try once a byte was answered", "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "{}");
    peer.read_request();
    peer.send("H");
  });
  HttpBackend backend(options_for(server.url()));
  CHECK(perform(backend, make_call(false))->finished().status == 200);
  CHECK(perform(backend, make_call(false))->failed().error.code ==
        ErrorCode::backend_stream_failed);
  CHECK(server.accepted() == 1);
}

TEST_CASE("upstream_client: a connection closed while idle is not even tried",
          "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.answer(200, "{}");
  });
  HttpBackend backend(options_for(server.url()));
  for (int i = 0; i < 3; ++i) CHECK(perform(backend, make_call(false))->finished().status == 200);
}

// -- many -----------------------------------------------------------------------------------------

TEST_CASE("upstream_client: one call more than max_calls fails", "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    static_cast<void>(peer.wait_for_close());
  });
  auto options = options_for(server.url());
  options.max_calls = 2;
  HttpBackend backend(options);
  std::vector<std::shared_ptr<Recorder>> recorders;
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 3; ++i) {
    recorders.push_back(Recorder::make());
    numbers.insert(backend.start(make_call(true), Recorder::listener(recorders.back())));
  }
  CHECK(numbers.size() == 3);
  REQUIRE(recorders[2]->wait());
  CHECK(recorders[2]->failed().error.code == ErrorCode::backend_unreachable);
  CHECK(recorders[2]->failed().retryable);
  backend.cancel(*numbers.begin());
  REQUIRE(recorders[0]->wait());
  CHECK(eventually([&] { return backend.calls_in_progress() == 1; }));
}

TEST_CASE("upstream_client: many streams at once", "[http][upstream_client]") {
  constexpr int count = 200;
  std::promise<void> all_here;
  std::shared_future<void> go = all_here.get_future().share();
  std::atomic<int> here = 0;
  RawServer server([&](Peer& peer) {
    while (!peer.read_request().empty()) {
      if (++here == count) all_here.set_value();
      go.wait();
      peer.begin_stream();
      peer.chunk(word);
      peer.chunk(word + done);
      peer.send("0\r\n\r\n");
    }
  });
  HttpBackend backend(options_for(server.url()));
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < count; ++i) {
    recorders.push_back(Recorder::make());
    backend.start(make_call(true), Recorder::listener(recorders.back()));
  }
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->wait());
    CHECK(recorder->text() == word + word);
    CHECK(recorder->finished().status == 200);
  }
}

}  // namespace signalbox::http::test
