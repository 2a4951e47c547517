// PushClient against workers by the book: what is sent, and what their tokens become.
#include "http/push/push_client.hpp"

#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <set>

#include "http/text/json_members.hpp"
#include "http/upstream/sse_splitter.hpp"
#include "tests/http/push_worker_script.hpp"

namespace signalbox::http::test {

namespace {

const std::string done = "data: [DONE]\n\n";
const std::string two_tokens = "data: Hello\n\ndata:  world\n\n" + done;
const std::string chat_body =
    R"({"model":"m","messages":[{"role":"user","content":"Say hello"}],"max_tokens":9,)"
    R"("stream_options":{"include_usage":true}})";

/// The JSON of each event.
std::vector<std::string> chunks(const std::string& events) {
  SseSplitter splitter;
  std::vector<SseEvent> split;
  REQUIRE(splitter.feed(events, split).has_value());
  std::vector<std::string> out;
  for (const SseEvent& event : split) out.push_back(event.data);
  return out;
}

/// The only choice of a chunk or body.
std::string choice_of(const std::string& json) {
  const auto choices = elements_of(value_of(json, "choices"));
  return choices.size() == 1 ? std::string(choices.front()) : std::string();
}

/// The text of a finished call's body.
std::string text_of(const BackendFinished& finished) {
  REQUIRE(check_json(*finished.body).has_value());
  const std::string choice = choice_of(*finished.body);
  const auto message = value_of(choice, "message");
  return *unquote(message.empty() ? value_of(choice, "text") : value_of(message, "content"));
}

std::string header(const std::string& request, const std::string& name) {
  const auto at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "(none)";
  const auto begin = at + name.size() + 4;
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

}  // namespace

TEST_CASE("push_client: two requests, with our headers and no more", "[http][push_client]") {
  std::mutex mutex;
  std::vector<std::string> requests;
  RawServer server([&](Peer& peer) {
    for (std::string request; !(request = peer.read_request()).empty();) {
      const std::scoped_lock lock(mutex);
      requests.push_back(request);
      if (!(is_post(request) ? peer.answer(200, job_answer) : says(two_tokens)(peer))) return;
    }
  });
  PushClient client;
  auto call = push_call(false, R"({"prompt":"say it","model":"theirs","temperature":0.20})");
  call.traceparent = "00-1-2-01";
  CHECK(perform(*client.backend_for(target_for(server)), call)->finished().status == 200);
  const std::scoped_lock lock(mutex);
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].starts_with("POST /v1/inference HTTP/1.1\r\n"));
  CHECK(body_of(requests[0]) == R"({"prompt":"say it","max_tokens":1024,"temperature":0.20})");
  CHECK(header(requests[0], "Content-Type") == "application/json");
  CHECK(header(requests[0], "Accept") == "application/json");
  CHECK(requests[1].starts_with("GET /v1/inference/j1/stream HTTP/1.1\r\n"));
  CHECK(header(requests[1], "Accept") == "text/event-stream");
  CHECK(body_of(requests[1]).empty());
  for (const std::string& request : requests) {
    CHECK(header(request, "X-Request-Id") == "req-1");
    CHECK(header(request, "traceparent") == "00-1-2-01");
    CHECK(header(request, "User-Agent") == "signalbox/0.1");
    CHECK(header(request, "Accept-Encoding") == "identity");
    CHECK(header(request, "Authorization") == "(none)");
    CHECK("http://" + header(request, "Host") == server.url());
    const std::string head = request.substr(0, request.find("\r\n\r\n"));
    CHECK(std::count(head.begin(), head.end(), '\n') == (is_post(request) ? 8 : 7));
  }
  // The worker kept its connection open, so both went over one.
  CHECK(server.accepted() == 1);
}

TEST_CASE("push_client: a worker of several models is told which", "[http][push_client]") {
  std::promise<std::string> seen;
  RawServer server([&](Peer& peer) {
    seen.set_value(body_of(peer.read_request()));
    peer.answer(503, "full");
  });
  PushClient client;
  perform(*client.backend_for(target_for(server, "m/2")), push_call(false));
  CHECK(value_of(seen.get_future().get(), "model") == R"("m/2")");
}

TEST_CASE("push_client: a streamed chat becomes OpenAI chunks", "[http][push_client]") {
  RawServer server(streams(says(two_tokens)));
  PushClient client;
  const auto recorder =
      perform(*client.backend_for(target_for(server)), push_call(true, chat_body, TaskKind::chat));
  CHECK(recorder->began());
  CHECK(recorder->events() == 4);
  const auto events = chunks(recorder->text());
  REQUIRE(events.size() == 4);
  for (const std::string& event : events) {
    CHECK(value_of(event, "id") == "\"chatcmpl-" + push_task().to_string() + "\"");
    CHECK(value_of(event, "object") == R"("chat.completion.chunk")");
    CHECK(value_of(event, "created") == "1000");
    CHECK(value_of(event, "model") == R"("m")");
  }
  CHECK(value_of(choice_of(events[0]), "delta") == R"({"role":"assistant","content":"Hello"})");
  CHECK(value_of(choice_of(events[1]), "delta") == R"({"content":" world"})");
  CHECK(value_of(choice_of(events[1]), "finish_reason") == "null");
  CHECK(value_of(choice_of(events[2]), "delta") == "{}");
  CHECK(value_of(choice_of(events[2]), "finish_reason") == R"("stop")");
  CHECK(value_of(events[3], "choices") == "[]");
  // "User: Say hello\nAssistant:" is 26 bytes.
  const std::string usage = R"({"prompt_tokens":7,"completion_tokens":2,"total_tokens":9})";
  CHECK(value_of(events[3], "usage") == usage);
  const auto finished = recorder->finished();
  CHECK(*finished.tail == done);
  CHECK(finished.content_type == "application/json");
  CHECK(value_of(*finished.body, "object") == R"("chat.completion")");
  CHECK(value_of(*finished.body, "usage") == usage);
  CHECK(value_of(choice_of(*finished.body), "message") ==
        R"({"role":"assistant","content":"Hello world"})");
}

TEST_CASE("push_client: a plain call gets the same in one body", "[http][push_client]") {
  const auto kind = GENERATE(TaskKind::chat, TaskKind::completion);
  const std::string body = kind == TaskKind::chat ? chat_body : R"({"prompt":"p","model":"m"})";
  RawServer server(streams(says(two_tokens)));
  PushClient client;
  const auto backend = client.backend_for(target_for(server));
  const auto plain = perform(*backend, push_call(false, body, kind));
  const auto streamed = perform(*backend, push_call(true, body, kind));
  CHECK_FALSE(plain->began());
  CHECK(plain->text().empty());
  CHECK(plain->finished().tail == nullptr);
  CHECK(plain->finished().content_type == "application/json");
  CHECK(*plain->finished().body == *streamed->finished().body);
  CHECK(text_of(plain->finished()) == "Hello world");
}

TEST_CASE("push_client: a token is what stands behind data:", "[http][push_client]") {
  struct Case {
    std::string events;
    std::string text;
    int tokens;
  };
  const auto given = GENERATE(
      Case{"data: a\n\n", "a", 1}, Case{"data:a\n\ndata:  b\n\n", "a b", 2},
      Case{"data: \ndata: \n\n", "\n", 1}, Case{"data: x\ndata: y\n\n", "x\ny", 1},
      Case{"data:\n\ndata: \n\ndata: a\n\n", "a", 1}, Case{": note\n\ndata: a\n\n: b\n\n", "a", 1},
      Case{"event: ping\ndata: no\n\nevent: message\ndata: a\n\n", "a", 1},
      Case{"id: 7\nretry: 5\ndata: a\n\n", "a", 1}, Case{"data: a\r\n\r\ndata: b\r\r", "ab", 2},
      Case{"data: {\"x\":1}\n\ndata: {\n\n", "{\"x\":1}{", 2},
      Case{"data: {\"error\":null}\n\n", "{\"error\":null}", 1},
      Case{"data:  [DONE]\n\n", " [DONE]", 1}, Case{"", "", 0},
      Case{"data: caf\xC3\n\ndata: \xA9!\n\n", "caf\xC3\xA9!", 2},
      Case{"data: a\xFF\n\ndata: \xC3\n\n", "a\xEF\xBF\xBD\xEF\xBF\xBD", 2});
  const bool streaming = GENERATE(false, true);
  RawServer server(streams(says(given.events + done)));
  PushClient client;
  const auto recorder = perform(*client.backend_for(target_for(server)), push_call(streaming));
  INFO(given.events);
  const auto finished = recorder->finished();
  CHECK(text_of(finished) == given.text);
  CHECK(value_of(value_of(*finished.body, "usage"), "completion_tokens") ==
        std::to_string(given.tokens));
  if (!streaming) return;
  std::string joined;
  for (const std::string& chunk : chunks(recorder->text())) {
    REQUIRE(check_json(chunk).has_value());
    joined += *unquote(value_of(choice_of(chunk), "text"));
  }
  CHECK(joined == given.text);
}

TEST_CASE("push_client: the finish reason tells whether the bound was met", "[http][push_client]") {
  const int max_tokens = GENERATE(1, 2, 3);
  RawServer server(streams(says(two_tokens)));
  PushClient client;
  const auto recorder = perform(
      *client.backend_for(target_for(server)),
      push_call(false, "{\"prompt\":\"p\",\"max_tokens\":" + std::to_string(max_tokens) + "}"));
  CHECK(value_of(choice_of(*recorder->finished().body), "finish_reason") ==
        (max_tokens <= 2 ? "\"length\"" : "\"stop\""));
}

TEST_CASE("push_client: a stop sequence ends the answer and the worker's stream",
          "[http][push_client]") {
  const bool streaming = GENERATE(false, true);
  std::promise<bool> closed;
  RawServer server(streams([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk("data: one E\n\ndata: ND two\n\n");
    closed.set_value(peer.wait_for_close());
    return false;
  }));
  PushClient client;
  const auto recorder =
      perform(*client.backend_for(target_for(server)),
              push_call(streaming, R"({"prompt":"p","max_tokens":2,"stop":["END"]})"));
  CHECK(text_of(recorder->finished()) == "one ");
  CHECK(value_of(choice_of(*recorder->finished().body), "finish_reason") == R"("stop")");
  CHECK(closed.get_future().get());
  if (streaming) {
    const auto events = chunks(recorder->text());
    REQUIRE(events.size() == 2);
    CHECK(value_of(choice_of(events[0]), "text") == R"("one ")");
    CHECK(value_of(choice_of(events[1]), "finish_reason") == R"("stop")");
  }
}

TEST_CASE("push_client: tokens are handed over as they come", "[http][push_client]") {
  std::promise<void> go;
  RawServer server(streams([&](Peer& peer) {
    peer.begin_stream();
    peer.chunk("data: first\n\n");
    go.get_future().get();
    peer.chunk("data:  second\n\n" + done);
    return peer.send("0\r\n\r\n");
  }));
  PushClient client;
  const auto backend = client.backend_for(target_for(server));
  const auto recorder = Recorder::make();
  backend->start(push_call(true), Recorder::listener(recorder));
  REQUIRE(recorder->wait_for_text("first"));
  CHECK(recorder->ends() == 0);
  go.set_value();
  REQUIRE(recorder->wait());
  CHECK(recorder->finished().status == 200);
  CHECK(recorder->batches() == 2);
}

TEST_CASE("push_client: what a prompt cannot carry never reaches the worker",
          "[http][push_client]") {
  RawServer server([](Peer&) {});
  PushClient client;
  const auto backend = client.backend_for(target_for(server));
  const auto given = GENERATE(
      std::pair{TaskKind::embedding, std::string(R"({"input":"x"})")},
      std::pair{TaskKind::native_chat, std::string(R"({"input":"x"})")},
      std::pair{TaskKind::completion, std::string(R"({"prompt":"p","n":2})")},
      std::pair{TaskKind::chat,
                std::string(R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})")});
  const auto failure = perform(*backend, push_call(false, given.second, given.first))->failed();
  CHECK(failure.error.code == ErrorCode::invalid_request);
  CHECK(failure.retryable);
  CHECK(failure.error.message.find("push worker") != std::string::npos);
  CHECK(server.accepted() == 0);
}

TEST_CASE("push_client: models are not asked for", "[http][push_client]") {
  PushClient client;
  std::promise<ErrorCode> code;
  client.backend_for({.host = "127.0.0.1", .port = 1, .model = {}})->list_models([&](auto models) {
    code.set_value(models.error().code);
  });
  CHECK(code.get_future().get() == ErrorCode::backend_error);
}

TEST_CASE("push_client: a thousand idle workers cost no thread and are forgotten",
          "[http][push_client]") {
  PushClient client;
  std::vector<std::shared_ptr<Backend>> handles;
  for (std::uint16_t port = 1; port <= 1000; ++port) {
    handles.push_back(client.backend_for({.host = "127.0.0.1", .port = port, .model = "a"}));
    handles.push_back(client.backend_for({.host = "127.0.0.1", .port = port, .model = "b"}));
  }
  CHECK(client.workers() == 1000);
  CHECK(client.calls_in_progress() == 0);
  handles.clear();
  CHECK(client.workers() == 0);
}

TEST_CASE("push_client: many calls to several workers at once", "[http][push_client]") {
  constexpr int count = 120;
  std::promise<void> all_here;
  const auto everyone = all_here.get_future().share();
  std::atomic<int> here = 0;
  const auto script = streams([&, everyone](Peer& peer) {
    if (++here == count) all_here.set_value();
    everyone.wait();
    return says(two_tokens)(peer);
  });
  RawServer first(script);
  RawServer second(script);
  PushClient client;
  const std::array backends{client.backend_for(target_for(first)),
                            client.backend_for(target_for(second))};
  std::vector<std::shared_ptr<Recorder>> recorders;
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) {
    recorders.push_back(Recorder::make());
    const auto& backend = backends[static_cast<std::size_t>(i % 2)];
    numbers.insert(backend->start(push_call(i % 3 == 0), Recorder::listener(recorders.back())));
  }
  CHECK(numbers.size() == count);
  for (const auto& recorder : recorders) {
    REQUIRE(recorder->wait());
    CHECK(text_of(recorder->finished()) == "Hello world");
    CHECK(recorder->in_order());
  }
}

}  // namespace signalbox::http::test
