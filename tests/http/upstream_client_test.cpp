// HttpBackend against scripted servers: what is sent, and what each kind of answer becomes.
#include "http/upstream/upstream_client.hpp"

#include <catch2/catch.hpp>
#include <future>

#include "tests/http/raw_server.hpp"
#include "tests/http/upstream_recorder.hpp"

namespace signalbox::http::test {

namespace {

const std::string role =
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\","
    "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null},"
    "\"finish_reason\":null}]}\n\n";
const std::string hello =
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hel\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n";
const std::string finish =
    "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const std::string done = "data: [DONE]\n\n";
const std::string assembled =
    R"({"id":"c1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"logprobs":null,"finish_reason":"stop"}]})";

/// Answers every request of every connection with `reply`.
RawServer::Script always(std::function<bool(Peer&)> reply) {
  return [reply](Peer& peer) {
    while (!peer.read_request().empty())
      if (!reply(peer)) return;
  };
}

std::string header(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "(none)";
  const auto begin = at + name.size() + 4;
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

}  // namespace

TEST_CASE("upstream_client: a plain call sends our headers only and the body with our model",
          "[http][upstream_client]") {
  std::promise<std::string> seen;
  RawServer server([&](Peer& peer) {
    seen.set_value(peer.read_request());
    peer.answer(200, R"({"ok":1})", "X-Other: 1\r\n");
  });
  auto options = options_for(server.url());
  options.api_key = "secret\n";
  HttpBackend backend(options);
  auto call = make_call(false);
  call.traceparent = "00-1-2-01";
  const auto recorder = perform(backend, call);
  CHECK(recorder->finished().status == 200);
  CHECK(recorder->finished().content_type == "application/json");
  CHECK(*recorder->finished().body == R"({"ok":1})");
  CHECK(recorder->finished().tail == nullptr);
  CHECK_FALSE(recorder->began());
  const std::string request = seen.get_future().get();
  CHECK(request.substr(0, request.find("\r\n")) == "POST /v1/chat/completions HTTP/1.1");
  CHECK(request.substr(request.find("\r\n\r\n") + 4) == R"({"model":"ours", "temperature":0.70})");
  CHECK(header(request, "Authorization") == "Bearer secret");
  CHECK(header(request, "X-Request-Id") == "req-1");
  CHECK(header(request, "traceparent") == "00-1-2-01");
  CHECK(header(request, "User-Agent") == "signalbox/0.1");
  CHECK(header(request, "Content-Type") == "application/json");
  CHECK(header(request, "Accept") == "application/json");
  CHECK(header(request, "Accept-Encoding") == "identity");
  CHECK("http://" + header(request, "Host") == server.url());
  const std::string head = request.substr(0, request.find("\r\n\r\n"));
  // Nine headers with Content-Length, and no tenth.
  CHECK(std::count(head.begin(), head.end(), '\n') == 9);
}

TEST_CASE("upstream_client: header values with control bytes are not sent",
          "[http][upstream_client]") {
  std::promise<std::string> seen;
  RawServer server([&](Peer& peer) {
    seen.set_value(peer.read_request());
    peer.answer(200, "{}");
  });
  HttpBackend backend(options_for(server.url()));
  auto call = make_call(false);
  call.request_id = "a\r\nX-Evil: 1";
  call.traceparent = "b\nc";
  CHECK(perform(backend, call)->finished().status == 200);
  const std::string request = seen.get_future().get();
  CHECK(request.find("Evil") == std::string::npos);
  CHECK(header(request, "traceparent") == "(none)");
  CHECK(header(request, "Authorization") == "(none)");
}

TEST_CASE("upstream_client: each kind of task has its path", "[http][upstream_client]") {
  std::mutex mutex;
  std::string paths;
  RawServer server([&](Peer& peer) {
    for (std::string request; !(request = peer.read_request()).empty();) {
      const std::scoped_lock lock(mutex);
      paths += request.substr(0, request.find(" HTTP")) + ";";
      peer.answer(200, R"({"data":[]})");
    }
  });
  HttpBackend backend(options_for(server.url() + "/base/v1/"));
  for (const auto kind : {TaskKind::completion, TaskKind::embedding, TaskKind::native_chat}) {
    auto call = make_call(false);
    call.kind = kind;
    CHECK(perform(backend, call)->finished().status == 200);
  }
  std::promise<Result<std::vector<BackendModel>>> models;
  backend.list_models([&](auto list) { models.set_value(std::move(list)); });
  CHECK(models.get_future().get().has_value());
  CHECK(paths ==
        "POST /base/v1/completions;POST /base/v1/embeddings;POST /base/api/v1/chat;GET "
        "/base/v1/models;");
}

TEST_CASE("upstream_client: a stream passes through byte for byte", "[http][upstream_client]") {
  RawServer server(always([](Peer& peer) {
    peer.begin_stream();
    peer.chunk(":\n\n: early comment\n\n");
    peer.chunk(role + hello);
    peer.chunk(": later comment\n\n" + finish);
    peer.chunk(done);
    return peer.send("0\r\n\r\n");
  }));
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(true));
  CHECK(recorder->began());
  CHECK(recorder->text() == role + hello + ": later comment\n\n" + finish);
  CHECK(recorder->events() == 4);
  CHECK(*recorder->finished().tail == done);
  CHECK(*recorder->finished().body == assembled);
  CHECK(recorder->finished().content_type == "application/json");
  // The server kept it open, so it serves again.
  CHECK(*perform(backend, make_call(true))->finished().body == assembled);
  CHECK(server.accepted() == 1);
}

TEST_CASE("upstream_client: HTTP chunks of any size make the same events",
          "[http][upstream_client]") {
  const std::string all = role + hello + finish + done;
  const std::size_t size = GENERATE(1U, 2U, 3U, 7U, 61U);
  RawServer server(always([&](Peer& peer) {
    peer.begin_stream();
    for (std::size_t at = 0; at < all.size(); at += size) peer.chunk(all.substr(at, size));
    return peer.send("0\r\n\r\n");
  }));
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(true));
  CHECK(recorder->text() == role + hello + finish);
  CHECK(recorder->events() == 4);
  CHECK(*recorder->finished().body == assembled);
}

TEST_CASE("upstream_client: a stream without framing ends with the connection",
          "[http][upstream_client]") {
  RawServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.0 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n");
    peer.send(role + hello + finish + "data: [DONE]\n");
  });
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(true));
  CHECK(recorder->text() == role + hello + finish);
  CHECK(*recorder->finished().tail == done);
}

TEST_CASE("upstream_client: a stream ends at [DONE] even if the answer goes on",
          "[http][upstream_client]") {
  std::promise<bool> closed;
  RawServer server([&](Peer& peer) {
    peer.read_request();
    peer.begin_stream();
    peer.chunk(role + hello + finish + done);
    closed.set_value(peer.wait_for_close());
  });
  HttpBackend backend(options_for(server.url()));
  CHECK(*perform(backend, make_call(true))->finished().body == assembled);
  CHECK(closed.get_future().get());
}

TEST_CASE("upstream_client: a plain answer to a streaming call is finished as it is",
          "[http][upstream_client]") {
  RawServer server(always([](Peer& peer) { return peer.answer(200, assembled); }));
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(true));
  CHECK_FALSE(recorder->began());
  CHECK(*recorder->finished().body == assembled);
  CHECK(recorder->finished().tail == nullptr);
}

TEST_CASE("upstream_client: a plain call to llama.cpp is asked as a stream and assembled",
          "[http][upstream_client]") {
  std::promise<std::string> seen;
  RawServer server([&](Peer& peer) {
    seen.set_value(peer.read_request());
    peer.begin_stream();
    peer.chunk(role + hello + finish + done);
    peer.send("0\r\n\r\n");
  });
  HttpBackend backend(options_for(server.url(), config::UpstreamType::llamacpp));
  const auto recorder = perform(
      backend, make_call(false, R"({"stream":false,"model":"x","n":1 , "stream_options":null})"));
  CHECK_FALSE(recorder->began());
  CHECK(recorder->text().empty());
  CHECK(*recorder->finished().body == assembled);
  CHECK(recorder->finished().content_type == "application/json");
  CHECK(recorder->finished().tail == nullptr);
  const std::string request = seen.get_future().get();
  CHECK(request.substr(request.find("\r\n\r\n") + 4) ==
        R"({"stream":true,"model":"ours","n":1 , "stream_options":{"include_usage":true}})");
}

TEST_CASE("upstream_client: an event stream in answer to a plain call is assembled",
          "[http][upstream_client]") {
  const std::string junk = GENERATE(std::string(), "data: {\n\n");
  RawServer server(always([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk(junk + role + hello + finish + done);
    return peer.send("0\r\n\r\n");
  }));
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(false, R"({"stream":true})"));
  CHECK(recorder->text().empty());
  if (junk.empty()) {
    CHECK(*recorder->finished().body == assembled);
  } else {
    CHECK(recorder->failed().error.code == ErrorCode::backend_error);
    CHECK(recorder->failed().retryable);
  }
}

TEST_CASE("upstream_client: LM Studio's native stream ends with chat.end",
          "[http][upstream_client]") {
  const std::string start = "event: chat.start\ndata: {\"type\":\"chat.start\"}\n\n";
  const std::string problem =
      "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"tool\"}}\n\n";
  const std::string end =
      "event: chat.end\ndata: {\"type\":\"chat.end\",\"result\":{\"output\":[ 1 ]}}\n\n";
  RawServer server(always([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk(start + problem + end);
    return peer.send("0\r\n\r\n");
  }));
  HttpBackend backend(options_for(server.url(), config::UpstreamType::lmstudio));
  auto call = make_call(true);
  call.kind = TaskKind::native_chat;
  const auto recorder = perform(backend, call);
  CHECK(recorder->text() == start + problem);
  CHECK(*recorder->finished().tail == end);
  CHECK(*recorder->finished().body == R"({"output":[ 1 ]})");
}

TEST_CASE("upstream_client: statuses that are no 2xx", "[http][upstream_client]") {
  struct Case {
    int status;
    std::string body;
    bool retryable;
    std::string message;
    bool passed_on;
  };
  const auto given = GENERATE(
      Case{400, R"({"error":{"message":"too long","code":400}})", false, "too long", true},
      Case{404, "<html>no</html>", false, "the backend answered with status 404", false},
      Case{401, R"({"error":"bad key"})", false, "bad key", true},
      Case{422, R"({"detail":"no"})", false, "no", true},
      Case{429, R"({"error":{"message":"slow down"}})", true, "slow down", true},
      Case{408, "", true, "the backend answered with status 408", false},
      Case{500, R"({"error":{"message":"oops"}})", true, "oops", false},
      Case{503, "not json", true, "the backend answered with status 503", false},
      Case{400, "{\"x\":\"" + std::string(20000, 'a') + "\"}", false,
           "the backend answered with status 400", false},
      Case{404, std::string(3 << 20, 'x'), false, "the backend answered with status 404", false});
  const bool streaming = GENERATE(false, true);
  RawServer server(always([&](Peer& peer) {
    return peer.answer(given.status, given.body, "Retry-After: 7\r\nConnection: close\r\n");
  }));
  HttpBackend backend(options_for(server.url()));
  const auto failure = perform(backend, make_call(streaming))->failed();
  CHECK(failure.error.code == ErrorCode::backend_error);
  CHECK(failure.retryable == given.retryable);
  CHECK(failure.error.message == given.message);
  CHECK(failure.error.from_backend);
  CHECK(failure.error.backend_status == (given.status < 500 ? given.status : 0));
  CHECK(failure.error.backend_body == (given.passed_on ? given.body : ""));
  REQUIRE(failure.error.details.size() == 1);
  CHECK(failure.error.details[0].first == "backend_status");
  CHECK(std::get<std::int64_t>(failure.error.details[0].second) == given.status);
  CHECK(failure.error.retry_after_s == (given.retryable ? 7 : 0));
}

TEST_CASE("upstream_client: a redirect is not followed", "[http][upstream_client]") {
  RawServer server(always(
      [](Peer& peer) { return peer.answer(307, "", "Location: http://127.0.0.1:1/other\r\n"); }));
  HttpBackend backend(options_for(server.url()));
  const auto failure = perform(backend, make_call(false))->failed();
  CHECK(failure.error.code == ErrorCode::backend_error);
  CHECK_FALSE(failure.retryable);
  CHECK(failure.error.message.find("redirect") != std::string::npos);
  CHECK(server.accepted() == 1);
}

TEST_CASE("upstream_client: error events", "[http][upstream_client]") {
  const std::string error = "data: {\"error\":{\"code\":500,\"message\":\"out of memory\"}}\n\n";
  const bool first = GENERATE(true, false);
  RawServer server(always([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk(": hi\n\n" + (first ? error : role + hello + error));
    return peer.send("0\r\n\r\n");
  }));
  HttpBackend backend(options_for(server.url()));
  const auto recorder = perform(backend, make_call(true));
  const auto failure = recorder->failed();
  CHECK(failure.error.code ==
        (first ? ErrorCode::backend_error : ErrorCode::backend_stream_failed));
  CHECK(failure.error.message == "out of memory");
  CHECK(failure.error.from_backend);
  CHECK(failure.retryable);
  CHECK(std::get<std::int64_t>(failure.error.details.at(0).second) == 500);
  CHECK(recorder->began() == !first);
  CHECK(recorder->text() == (first ? "" : role + hello));
}

TEST_CASE("upstream_client: model lists", "[http][upstream_client]") {
  struct Case {
    int status;
    std::string body;
    std::string names;
  };
  const auto given = GENERATE(
      Case{200, R"({"object":"list","data":[{"id":"a/b:c","x":[1]},{"id":""},{"id":"a/b:c"}]})",
           "a/b:c;"},
      Case{200, R"({"models":[{"name":"n1","model":"n1"},{"id":"n2"},"n3",{"id":"bad\u0007"}]})",
           "n1;n2;n3;"},
      Case{200, R"({"object":"list","data":null})", ""},
      Case{200, R"({"hello":1})", "backend_error"}, Case{200, "<html>", "backend_error"},
      Case{200, "[" + std::string(2 << 20, ' ') + "]", "backend_error"},
      Case{401, R"({"error":{"message":"no"}})", "backend_error"});
  RawServer server(always([&](Peer& peer) { return peer.answer(given.status, given.body); }));
  HttpBackend backend(options_for(server.url()));
  std::promise<std::string> got;
  backend.list_models([&](Result<std::vector<BackendModel>> models) {
    std::string names;
    if (models) {
      for (const BackendModel& model : *models) names += model.id + ";";
    } else {
      names = to_string(models.error().code);
    }
    got.set_value(names);
  });
  CHECK(got.get_future().get() == given.names);
}

}  // namespace signalbox::http::test
