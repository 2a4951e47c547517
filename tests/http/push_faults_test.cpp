// PushClient when the worker misbehaves: which failure each becomes, at the socket. Nothing here is
// ever a wrong success.
#include <catch2/catch.hpp>
#include <future>
#include <optional>

#include "http/push/push_client.hpp"
#include "http/text/json_members.hpp"
#include "tests/http/push_worker_script.hpp"

namespace signalbox::http::test {

namespace {

using namespace std::chrono_literals;

const std::string word = "data: w\n\n";
const std::string done = "data: [DONE]\n\n";
const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n";

/// Answers the first POST with `bytes` and closes.
RawServer::Script answers(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer) {
    peer.read_request();
    peer.send(bytes);
  };
}

std::shared_ptr<Recorder> call_worker(const RawServer& server, bool streaming,
                                      PushOptions options = {}) {
  PushClient client(options);
  return perform(*client.backend_for(target_for(server)), push_call(streaming));
}

/// "the worker at HOST:PORT".
std::string name_of(const RawServer& server) {
  return "the worker at " + server.url().substr(std::string("http://").size());
}

/// Our own timeout struck, before the worker's patience of 5 s did.
bool is_silence(const BackendFailed& failure) {
  return failure.error.message.find("silent") != std::string::npos;
}

void check_stage(const BackendFailed& failure, ErrorCode code, std::string_view stage,
                 const RawServer& server) {
  INFO(failure.error.message);
  CHECK(failure.error.code == code);
  CHECK(detail(failure.error, "stage") == stage);
  CHECK(failure.error.message.starts_with(name_of(server)));
}

}  // namespace

// -- the job is not taken -------------------------------------------------------------------------

TEST_CASE("push_faults: nobody listens", "[http][push_faults]") {
  PushTarget target;
  std::string name;
  {
    const RawServer server([](Peer&) {});
    target = target_for(server);
    name = name_of(server);
  }
  PushClient client;
  const auto failure = perform(*client.backend_for(target), push_call(true))->failed();
  CHECK(failure.error.code == ErrorCode::backend_unreachable);
  CHECK(failure.retryable);
  CHECK(detail(failure.error, "stage") == "connect");
  CHECK(failure.error.message == name + " cannot be reached: Connection refused");
}

TEST_CASE("push_faults: the worker answers a status", "[http][push_faults]") {
  struct Case {
    int status;
    std::string body;
    bool retryable;
    std::string words;
  };
  const auto given = GENERATE(
      Case{500, R"({"error":{"message":"Model not loaded"}})", true, " 500: Model not loaded"},
      Case{500, "Model not loaded", true, " 500: Model not loaded"},
      Case{503, R"({"error":"full"})", true, " 503: full"}, Case{429, "", true, " 429"},
      Case{400, R"({"detail":"too long"})", false, " 400: too long"},
      Case{404, "<html>no</html>", false, " 404"}, Case{404, "a\x1b[31mred", false, " 404"},
      Case{307, "", false, " 307: a redirect, which is not followed"},
      Case{500, std::string(1 << 20, 'x'), true, " 500"});
  RawServer elsewhere([](Peer&) {});
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.answer(given.status, given.body,
                "Retry-After: 7\r\nLocation: " + elsewhere.url() + "/\r\nConnection: close\r\n");
  });
  const auto failure = call_worker(server, true)->failed();
  check_stage(failure, ErrorCode::backend_error, "submit", server);
  CHECK(failure.error.message == name_of(server) + " answered" + given.words);
  CHECK(failure.retryable == given.retryable);
  CHECK(failure.error.from_backend);
  CHECK(detail(failure.error, "backend_status") == std::to_string(given.status));
  CHECK(failure.error.backend_status ==
        (given.status >= 400 && given.status < 500 ? given.status : 0));
  CHECK(failure.error.retry_after_s == (given.retryable ? 7 : 0));
  CHECK(elsewhere.accepted() == 0);
}

TEST_CASE("push_faults: the answer is of no use", "[http][push_faults]") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ";
  const std::string bytes = GENERATE_COPY(
      std::string("SSH-2.0-nonsense\r\n"), head + "0\r\n\r\n", head + "5\r\n\r\nhello",
      head + "2\r\n\r\n{}", head + "16\r\n\r\n{\"job_id\": \"j1\"}",
      head + "12\r\n\r\n{\"sse_url\":7", head + "100000\r\n\r\n" + std::string(100'000, ' '));
  RawServer server(answers(bytes));
  const auto failure = call_worker(server, false)->failed();
  INFO(bytes.substr(0, 100));
  check_stage(failure, ErrorCode::backend_error, "answer", server);
  CHECK(failure.retryable);
  CHECK(server.accepted() == 1);
}

TEST_CASE("push_faults: an sse_url elsewhere is not followed", "[http][push_faults]") {
  RawServer elsewhere([](Peer& peer) {
    peer.read_request();
    says(word + done)(peer);
  });
  const std::string other = elsewhere.url();
  const std::string url = GENERATE_COPY(other + "/s", other.substr(5) + "/s",
                                        "http://127.0.0.1:1@" + other.substr(7) + "/s",
                                        std::string("file:///etc/passwd"));
  RawServer server(streams(says(word + done), R"({"job_id":"j","sse_url":")" + url + "\"}"));
  const auto failure = call_worker(server, true)->failed();
  check_stage(failure, ErrorCode::backend_error, "answer", server);
  CHECK(failure.retryable);
  CHECK(failure.error.message.find("sse_url") != std::string::npos);
  CHECK(elsewhere.accepted() == 0);
  CHECK(server.accepted() == 1);
}

TEST_CASE("push_faults: a whole sse_url on the worker itself is fine", "[http][push_faults]") {
  std::promise<std::string> path;
  std::string url;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.answer(200, "{\"sse_url\":\"" + url + "/s?job=1\"}");
    path.set_value(peer.read_request());
    says(word + done)(peer);
  });
  url = server.url();
  CHECK(call_worker(server, false)->finished().status == 200);
  CHECK(path.get_future().get().starts_with("GET /s?job=1 HTTP/1.1"));
}

TEST_CASE("push_faults: a worker that does not answer is given up", "[http][push_faults]") {
  const bool drips = GENERATE(false, true);
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    // A byte now and then keeps the read timeout from striking; the deadline does.
    while (drips && peer.send(" ")) std::this_thread::sleep_for(10ms);
    say_nothing(peer);
  });
  PushOptions options;
  options.connect_timeout = 50ms;
  options.answer_timeout = 80ms;
  const auto failure = call_worker(server, false, options)->failed();
  check_stage(failure, ErrorCode::backend_stream_failed, "answer", server);
  CHECK(failure.retryable);
  CHECK(is_silence(failure));
}

// -- no stream ------------------------------------------------------------------------------------

TEST_CASE("push_faults: the stream's request is answered otherwise", "[http][push_faults]") {
  struct Case {
    int status;
    std::string type;
    std::string body;
    std::string headers;
    std::string words;
  };
  const std::string sse = "text/event-stream";
  const auto given = GENERATE_COPY(
      Case{404, "application/json", R"({"error":{"message":"no such job"}})", "",
           " answered 404 when asked for its stream: no such job"},
      Case{500, sse, "data: x\n\n", "", " answered 500 when asked for its stream: data: x"},
      Case{302, sse, "", "Location: /other\r\n", " answered 302 when asked for its stream"},
      Case{200, "application/json", R"({"choices":[]})", "",
           " answered with no event stream when asked for its stream"},
      Case{200, sse, word + done, "Content-Encoding: gzip\r\n",
           " answered with no event stream when asked for its stream: data: w"});
  RawServer server(streams([&](Peer& peer) {
    return peer.answer(given.status, given.body, given.headers, given.type);
  }));
  const auto recorder = call_worker(server, true);
  check_stage(recorder->failed(), ErrorCode::backend_stream_failed, "stream_connect", server);
  CHECK(recorder->failed().retryable);
  CHECK(recorder->failed().error.message == name_of(server) + given.words);
  CHECK(detail(recorder->failed().error, "backend_status") == std::to_string(given.status));
  CHECK_FALSE(recorder->began());
}

TEST_CASE("push_faults: the stream's request is not answered", "[http][push_faults]") {
  enum class Way { closes, resets, refuses, hangs, no_http };
  const auto way = GENERATE(Way::closes, Way::resets, Way::refuses, Way::hangs, Way::no_http);
  PushOptions options;
  options.read_timeout = 60ms;
  std::optional<RawServer> server;
  server.emplace([&](Peer& peer) {
    if (!is_post(peer.read_request())) return;
    peer.answer(200, job_answer, way == Way::refuses ? "Connection: close\r\n" : "");
    if (way == Way::refuses) return;
    peer.read_request();
    if (way == Way::hangs) say_nothing(peer);
    if (way == Way::no_http) peer.send("SSH-2.0-nonsense\r\n");
    if (way == Way::resets) peer.reset_on_close();
  });
  const auto recorder = call_worker(*server, true, options);
  check_stage(recorder->failed(), ErrorCode::backend_stream_failed, "stream_connect", *server);
  CHECK(recorder->failed().retryable);
  CHECK(is_silence(recorder->failed()) == (way == Way::hangs));
  CHECK_FALSE(recorder->began());
}

// -- the stream breaks ----------------------------------------------------------------------------

TEST_CASE("push_faults: a stream that is cut keeps what came", "[http][push_faults]") {
  const std::string rest =
      GENERATE(std::string(), "data: hal", "data: half\n", "data: [DON", ": ping\n\n",
               "event: ping\ndata: [DONE]\n\n", "[DONE]\n\n", "\xFF\xFE\n\n");
  enum class End { polite, closed, reset };
  const auto end = GENERATE(End::polite, End::closed, End::reset);
  std::promise<void> heard;
  RawServer server(streams([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk(word + rest);
    // A reset throws away what is under way.
    heard.get_future().get();
    if (end == End::polite) peer.send("0\r\n\r\n");
    if (end == End::reset) peer.reset_on_close();
    return false;
  }));
  PushClient client;
  const auto recorder = Recorder::make();
  client.backend_for(target_for(server))->start(push_call(true), Recorder::listener(recorder));
  REQUIRE(recorder->wait_for_text("w"));
  heard.set_value();
  REQUIRE(recorder->wait());
  check_stage(recorder->failed(), ErrorCode::backend_stream_failed, "stream", server);
  CHECK(recorder->failed().retryable);
  CHECK(recorder->began());
  CHECK(recorder->text().find(R"("text":"w")") != std::string::npos);
  CHECK(recorder->text().find(R"("stop")") == std::string::npos);
}

TEST_CASE("push_faults: a stream that stalls is given up, a slow one is not",
          "[http][push_faults]") {
  const bool stalls = GENERATE(false, true);
  RawServer server(streams([&](Peer& peer) {
    std::this_thread::sleep_for(50ms);  // A slow first byte.
    peer.begin_stream();
    peer.chunk(word);
    std::this_thread::sleep_for(50ms);
    if (stalls) return say_nothing(peer);
    peer.chunk(done);
    return peer.send("0\r\n\r\n");
  }));
  PushOptions options;
  options.read_timeout = stalls ? 400ms : 5000ms;
  const auto recorder = call_worker(server, true, options);
  if (stalls) {
    check_stage(recorder->failed(), ErrorCode::backend_stream_failed, "stream", server);
    CHECK(recorder->failed().retryable);
    CHECK(is_silence(recorder->failed()));
  } else {
    CHECK(recorder->finished().status == 200);
  }
}

TEST_CASE("push_faults: the worker reports an error in its stream", "[http][push_faults]") {
  struct Case {
    std::string event;
    std::string words;
  };
  const auto given =
      GENERATE(Case{R"(data: {"error":{"message":"out of memory"}})", ": out of memory"},
               Case{R"(data: {"error":"boom"})", ": boom"}, Case{R"(data: {"error":{}})", ""},
               Case{"event: error\ndata: it broke", ": it broke"});
  const bool first = GENERATE(true, false);
  RawServer server(streams(says((first ? "" : word) + given.event + "\n\n" + done)));
  const auto recorder = call_worker(server, true);
  check_stage(recorder->failed(),
              first ? ErrorCode::backend_error : ErrorCode::backend_stream_failed, "stream",
              server);
  CHECK(recorder->failed().error.message == name_of(server) + " reported an error" + given.words);
  CHECK(recorder->failed().error.from_backend);
  CHECK(recorder->failed().retryable);
  CHECK(recorder->began() == !first);
}

TEST_CASE("push_faults: what comes after [DONE] is ignored", "[http][push_faults]") {
  const std::string more = GENERATE_COPY(std::string(done), done + done, word + done,
                                         std::string("data: {\"error\":\"late\"}\n\n"));
  const bool at_once = GENERATE(true, false);
  RawServer server(streams([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk(word + done + (at_once ? more : ""));
    if (!at_once) peer.chunk(more);
    peer.send("0\r\n\r\n");
    return false;
  }));
  const auto recorder = call_worker(server, true);
  CHECK(value_of(*recorder->finished().body, "choices").find(R"("text":"w")") != std::string::npos);
  CHECK(recorder->events() == 2);
  CHECK(recorder->ends() == 1);
}

TEST_CASE("push_faults: a stream over its bound fails for good", "[http][push_faults]") {
  const bool one_event = GENERATE(false, true);
  RawServer server(streams([&](Peer& peer) {
    peer.begin_stream();
    while (peer.chunk(one_event ? std::string(1000, 'x') : word)) {
    }
    return false;
  }));
  PushOptions options;
  options.max_response_bytes = 50'000;
  const auto failure = call_worker(server, false, options)->failed();
  check_stage(failure, ErrorCode::backend_stream_failed, "stream", server);
  CHECK_FALSE(failure.retryable);
}

TEST_CASE("push_faults: a stream cut at any byte is an error or the whole answer",
          "[http][push_faults]") {
  const std::string framed = [] {
    std::string out = stream_head + "\r\n";
    for (const std::string& event : {word, std::string(": x\n\n"), "data: \xC3\xA9\n\n" + done}) {
      char size[16];
      std::snprintf(size, sizeof size, "%zx\r\n", event.size());
      out += size + event + "\r\n";
    }
    return out + "0\r\n\r\n";
  }();
  // From here on the answer is complete, with or without the blank line.
  const std::size_t whole = framed.find("[DONE]") + std::string("[DONE]").size();
  std::atomic<std::size_t> cut = 0;
  RawServer server(streams([&](Peer& peer) {
    peer.send(std::string_view(framed).substr(0, cut));
    return false;
  }));
  PushClient client;
  const auto backend = client.backend_for(target_for(server));
  for (cut = 0; cut <= framed.size(); ++cut) {
    const auto recorder = perform(*backend, push_call(cut % 2 == 0));
    INFO("cut at " << cut << " of " << framed.size());
    if (cut < whole) {
      CHECK(recorder->failed().retryable);
      CHECK(recorder->failed().error.code == ErrorCode::backend_stream_failed);
    } else {
      CHECK(recorder->finished().body->find("w\xC3\xA9\"") != std::string::npos);
    }
  }
}

}  // namespace signalbox::http::test
