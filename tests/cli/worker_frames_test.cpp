// Goal: what the broker says is understood, and what makes no sense is left alone. Method: literal
// event streams through the splitter, as they come from the wire.
#include "cli/worker/worker_frames.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace signalbox::cli {
namespace {

std::optional<WorkerFrame> parse(const std::string& text) {
  http::SseSplitter splitter;
  std::vector<http::SseEvent> events;
  REQUIRE(splitter.feed(text, events).has_value());
  REQUIRE(events.size() == 1);
  return parse_frame(events.front());
}

std::optional<WorkerFrame> infer(const std::string& data) {
  return parse("event: infer\ndata: " + data + "\n\n");
}

}  // namespace

TEST_CASE("worker_frames: infer", "[cli][worker_frames]") {
  const auto frame = infer(
      R"({"task":"0192-a","llm":"desk","model":"qwen","kind":"completion",)"
      R"("request":{"prompt": "a\nb","seed":1e3},"streaming":true,"inference_s":120,"attempt":3})");
  REQUIRE(frame);
  CHECK(std::get<InferFrame>(*frame) == InferFrame{.task = "0192-a",
                                                   .model = "qwen",
                                                   .kind = TaskKind::completion,
                                                   .request = R"({"prompt": "a\nb","seed":1e3})",
                                                   .is_streaming = true,
                                                   .attempt = 3});
}

TEST_CASE("worker_frames: infer with the least there may be", "[cli][worker_frames]") {
  const auto frame = infer(R"({"task":"a","request":{}})");
  REQUIRE(frame);
  const auto& least = std::get<InferFrame>(*frame);
  CHECK(least == InferFrame{.task = "a", .model = "", .request = "{}"});
}

TEST_CASE("worker_frames: what makes no sense is no frame", "[cli][worker_frames]") {
  const auto* const data = GENERATE(
      "", "not json", "[]", R"({"request":{}})", R"({"task":"a"})", R"({"task":"a","request":[]})",
      R"({"task":"../a","request":{}})", R"({"task":"","request":{}})",
      R"({"task":7,"request":{}})", R"({"task":"a","request":{},"kind":"telepathy"})");
  CHECK_FALSE(infer(data));
}

TEST_CASE("worker_frames: wake and cancel", "[cli][worker_frames]") {
  CHECK(parse("event: wake\ndata: {\"task\":\"w\",\"llm\":\"desk\"}\n\n") ==
        WorkerFrame{WakeFrame{"w"}});
  CHECK(parse("event: cancel\ndata: {\"task\":\"t\"}\n\n") == WorkerFrame{CancelFrame{"t"}});
  CHECK_FALSE(parse("event: cancel\ndata: {}\n\n"));
  CHECK_FALSE(parse("event: new_in_2030\ndata: {\"task\":\"t\"}\n\n"));
  CHECK_FALSE(parse(": ping\n\n"));
}

TEST_CASE("worker_frames: drain with and without retry", "[cli][worker_frames]") {
  using std::chrono::milliseconds;
  const auto retry_of = [](const std::string& text) {
    return std::get<DrainFrame>(parse(text).value()).retry;
  };
  CHECK_FALSE(retry_of("event: drain\ndata: {}\n\n"));
  CHECK_FALSE(retry_of("event: drain\ndata: {\"retry\":1}\n\n"));
  CHECK(retry_of("event: drain\nretry: 1500\ndata: {}\n\n") == milliseconds{1500});
  CHECK(retry_of("retry:7\r\nevent: drain\r\ndata: {}\r\n\r\n") == milliseconds{7});
  CHECK(retry_of("event: drain\nretry: 99999999\ndata: {}\n\n") == milliseconds{60'000});
  CHECK(retry_of("event: drain\nretry: soon\ndata: {}\n\n") == milliseconds{0});
}

TEST_CASE("worker_frames: ids that can stand in a path", "[cli][worker_frames]") {
  for (const char* id : {"a", "0192f0c1-7a1b-7c3d-8e4f-0123456789ab", "a.b_c", "..."}) {
    CHECK(is_wire_id(id));
  }
  for (const char* id : {"", ".", "..", "a/b", "a b", "a%2Fb", "a\n", "\xC3\xBC", "a?b"}) {
    CHECK_FALSE(is_wire_id(id));
  }
  CHECK(is_wire_id(std::string(128, 'a')));
  CHECK_FALSE(is_wire_id(std::string(129, 'a')));
}

}  // namespace signalbox::cli
