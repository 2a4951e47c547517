// Goal: every chunk goes out once and in order, the end exactly once, whatever the broker answers.
// Method: hand-written dialogues, and all sequences of six steps against a model.
#include "cli/worker/worker_outbox.hpp"

#include <catch2/catch.hpp>

#include "cli/worker/worker_bodies.hpp"

namespace signalbox::cli {
namespace {

BrokerAnswer answered(int status, std::string body = "{}") {
  return {.status = status, .body = std::move(body), .reason = {}};
}

BackendEvent events(const std::string& text) {
  return BackendEvents{make_bytes(text)};
}

BackendEvent finished(const std::string& body) {
  return BackendFinished{
      .status = 200, .content_type = "application/json", .body = make_bytes(body), .tail = nullptr};
}

OutboxPost chunks(const std::string& list) {
  return {.is_result = false, .body = R"({"chunks":[)" + list + R"(],"attempt":1})"};
}

OutboxPost result(const std::string& body) {
  return {.is_result = true, .body = body};
}

const BrokerAnswer ok = answered(200);
const BrokerAnswer away{.status = 0, .body = "", .may_have_arrived = false, .reason = "refused"};
const BrokerAnswer lost{.status = 0, .body = "", .may_have_arrived = true, .reason = "cut"};

}  // namespace

TEST_CASE("worker_outbox: a plain answer", "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  CHECK_FALSE(outbox.has_next());
  outbox.add(finished(R"({"id":"a"})"));
  REQUIRE(outbox.has_next());
  CHECK(outbox.next() == result(R"({"status":200,"body":{"id":"a"},"attempt":1})"));
  CHECK(outbox.settle(ok) == OutboxStep::over);
}

TEST_CASE("worker_outbox: chunks that gather go together, then the end", "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  outbox.add(BackendBegan{});
  CHECK_FALSE(outbox.has_next());
  outbox.add(events("data: a\n\n"));
  CHECK(outbox.next() == chunks(R"("a")"));
  outbox.add(events(": comment\n\ndata: b\n\n"));
  outbox.add(events("event: x\ndata: c\ndata: d\n\n"));
  outbox.add(finished("{}"));
  CHECK(outbox.settle(ok) == OutboxStep::go_on);
  CHECK(outbox.next() == chunks(R"("b","c\nd")"));
  CHECK(outbox.settle(ok) == OutboxStep::go_on);
  CHECK(outbox.next() == result(R"({"done":true,"attempt":1})"));
  CHECK(outbox.settle(ok) == OutboxStep::over);
}

TEST_CASE("worker_outbox: a POST of chunks is bounded", "[cli][worker_outbox]") {
  RunOutbox outbox{1, 4};
  outbox.add(BackendBegan{});
  outbox.add(events("data: 12345678\n\ndata: aa\n\ndata: bb\n\ndata: c\n\n"));
  CHECK(outbox.next() == chunks(R"("12345678")"));
  CHECK(outbox.settle(ok) == OutboxStep::go_on);
  CHECK(outbox.next() == chunks(R"("aa","bb")"));
  CHECK(outbox.settle(ok) == OutboxStep::go_on);
  CHECK(outbox.next() == chunks(R"("c")"));
}

TEST_CASE("worker_outbox: what did not arrive is sent again", "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  outbox.add(BackendBegan{});
  outbox.add(events("data: a\n\n"));
  CHECK(outbox.next() == chunks(R"("a")"));
  const int status = GENERATE(0, 503, 429);
  CHECK(outbox.settle(status == 0 ? away : answered(status)) == OutboxStep::later);
  outbox.add(events("data: b\n\n"));
  CHECK(outbox.next() == chunks(R"("a","b")"));
}

TEST_CASE("worker_outbox: a chunk that may have arrived ends the run", "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  outbox.add(BackendBegan{});
  outbox.add(events("data: a\n\n"));
  outbox.next();
  const int status = GENERATE(0, 502);
  CHECK(outbox.settle(status == 0 ? lost : answered(status)) == OutboxStep::abort_local);
  outbox.add(events("data: b\n\n"));
  outbox.add(BackendFailed{.error = {}, .retryable = false});
  const OutboxPost post = outbox.next();
  CHECK(post.is_result);
  CHECK_THAT(post.body, Catch::Contains(R"("retryable":true)"));
  CHECK(outbox.settle(ok) == OutboxStep::over);
}

TEST_CASE("worker_outbox: a result is repeated until it is answered", "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  outbox.add(finished("{}"));
  const OutboxPost first = outbox.next();
  for (const BrokerAnswer& answer : {away, lost, answered(500), answered(507), answered(503)}) {
    CHECK(outbox.settle(answer) == OutboxStep::later);
    CHECK(outbox.next() == first);
  }
  CHECK(outbox.settle(answered(200, R"({"duplicate":true})")) == OutboxStep::over);
}

TEST_CASE("worker_outbox: a result that is refused becomes an error, once",
          "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  outbox.add(finished("{}"));
  outbox.next();
  CHECK(outbox.settle(answered(413, R"({"error":{"message":"too large"}})")) ==
        OutboxStep::abort_local);
  CHECK_THAT(outbox.next().body, Catch::Contains("too large"));
  CHECK(outbox.settle(answered(413)) == OutboxStep::over);
}

TEST_CASE("worker_outbox: answers that end the run at any time", "[cli][worker_outbox]") {
  const bool has_chunk = GENERATE(true, false);
  RunOutbox outbox{1};
  if (has_chunk) outbox.add(BackendBegan{});
  if (has_chunk) outbox.add(events("data: a\n\n"));
  if (!has_chunk) outbox.add(finished("{}"));
  outbox.next();
  SECTION("409") {
    CHECK(outbox.settle(answered(409)) == OutboxStep::over);
  }
  SECTION("404") {
    CHECK(outbox.settle(answered(404)) == OutboxStep::session_gone);
  }
  SECTION("401") {
    CHECK(outbox.settle(answered(401)) == OutboxStep::unauthorized);
  }
}

TEST_CASE("worker_outbox: failures and bodies that are no JSON", "[cli][worker_outbox]") {
  RunOutbox outbox{1};
  SECTION("before the first chunk") {
    outbox.add(BackendFailed{.error = make_error(ErrorCode::backend_unreachable, "refused"),
                             .retryable = true});
    CHECK(outbox.next() ==
          result(R"({"error":{"message":"refused","retryable":true},"attempt":1})"));
  }
  SECTION("in mid-stream, after what came") {
    outbox.add(BackendBegan{});
    outbox.add(events("data: a\n\n"));
    outbox.add(BackendFailed{.error = make_error(ErrorCode::backend_stream_failed, "cut"),
                             .retryable = true});
    CHECK(outbox.next() == chunks(R"("a")"));
    CHECK(outbox.settle(ok) == OutboxStep::go_on);
    CHECK(outbox.next() == result(R"({"error":{"message":"cut","retryable":true},"attempt":1})"));
  }
  SECTION("no JSON") {
    outbox.add(finished("<html>"));
    CHECK_THAT(outbox.next().body, Catch::Contains("no JSON"));
  }
}

/// Six steps, each one of: a chunk comes, the end comes, a POST is answered with 200, with 503.
TEST_CASE("worker_outbox: all sequences keep order and lose nothing", "[cli][worker_outbox]") {
  constexpr int steps = 6;
  constexpr int kinds = 4;
  int sequences = 1;
  for (int i = 0; i < steps; ++i) sequences *= kinds;
  for (int sequence = 0; sequence < sequences; ++sequence) {
    RunOutbox outbox{0};
    outbox.add(BackendBegan{});
    int made = 0;
    bool is_ended = false;
    bool is_over = false;
    std::string taken;
    const auto answer = [&](const BrokerAnswer& with) {
      if (is_over || !outbox.has_next()) return;
      const OutboxPost post = outbox.next();
      const OutboxStep step = outbox.settle(with);
      if (with.status != 200) {
        CHECK(step == OutboxStep::later);
        return;
      }
      taken += post.body;
      is_over = post.is_result;
      CHECK(step == (is_over ? OutboxStep::over : OutboxStep::go_on));
    };
    for (int step = 0, rest = sequence; step < steps; ++step, rest /= kinds) {
      if (rest % kinds == 0 && !is_ended) {
        outbox.add(events("data: " + std::to_string(made++) + "\n\n"));
      } else if (rest % kinds == 1 && !is_ended) {
        is_ended = true;
        outbox.add(finished("{}"));
      } else {
        answer(rest % kinds == 2 ? ok : answered(503));
      }
    }
    while (outbox.has_next() && !is_over) answer(ok);
    std::string digits;
    for (const char byte : taken) {
      if (byte >= '0' && byte <= '9') digits += byte;
    }
    CHECK(digits == std::string{"012345"}.substr(0, static_cast<std::size_t>(made)));
    CHECK(taken.ends_with(R"({"done":true})") == is_ended);
  }
}

}  // namespace signalbox::cli
