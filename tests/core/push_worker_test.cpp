#include "core/backends/push_worker.hpp"

#include <catch2/catch.hpp>

namespace signalbox {
namespace {

using std::chrono::seconds;

Instant at_s(int second) {
  return Instant{seconds{second}};
}
WallTime wall_s(int second) {
  return WallTime{seconds{1'700'000'000 + second}};
}

PushHeartbeat heartbeat(PushStatus status = PushStatus::ready, std::string model = "m") {
  return {"w", std::move(model), "cpu", "127.0.0.1", 9001, status, "test", "1", 2};
}

LlmStatus status_of(const PushWorker& worker) {
  REQUIRE(worker.llms().size() == 1);
  return worker.llms().front().status;
}

}  // namespace

TEST_CASE("push_worker: what it says of itself is what it is given", "[core]") {
  struct Case {
    PushStatus said;
    LlmStatus seen;
    bool is_full;
  };
  const auto given = GENERATE(Case{PushStatus::starting, LlmStatus::inactive, false},
                              Case{PushStatus::ready, LlmStatus::active, false},
                              Case{PushStatus::busy, LlmStatus::active, true},
                              Case{PushStatus::stopped, LlmStatus::inactive, false});
  PushWorker worker{seconds{90}};
  REQUIRE_FALSE(worker.hear(heartbeat(given.said), at_s(0), wall_s(0)));
  const Llm llm = worker.llms().front();
  CHECK(llm.status == given.seen);
  CHECK(llm.is_full == given.is_full);
  CHECK(worker.status() == given.said);
  CHECK(llm.name == "m");
  CHECK(llm.qualified_name == "w/m");
  CHECK(llm.pool_key() == "m");
  CHECK(llm.capacity == 2);
  CHECK(llm.url == "http://127.0.0.1:9001");
  CHECK(llm.session == "w");
}

TEST_CASE("push_worker: silence makes it stale, a heartbeat revives it", "[core]") {
  PushWorker worker{seconds{90}};
  worker.hear(heartbeat(), at_s(0), wall_s(0));
  CHECK(worker.next_deadline() == at_s(90));
  CHECK_FALSE(worker.expire(at_s(89), wall_s(89)));
  CHECK(worker.gone_since() == WallTime{});
  CHECK(worker.expire(at_s(90), wall_s(90)));
  CHECK(worker.status() == PushStatus::stale);
  CHECK(status_of(worker) == LlmStatus::inactive);
  CHECK(worker.gone_since() == wall_s(90));
  CHECK_FALSE(worker.next_deadline());
  CHECK_FALSE(worker.expire(at_s(500), wall_s(500)));
  worker.hear(heartbeat(), at_s(600), wall_s(600));
  CHECK(status_of(worker) == LlmStatus::active);
  CHECK(worker.gone_since() == WallTime{});
  CHECK(worker.first_heard_at() == wall_s(0));
}

TEST_CASE("push_worker: stopped does not become stale", "[core]") {
  PushWorker worker{seconds{90}};
  worker.hear(heartbeat(PushStatus::stopped), at_s(0), wall_s(0));
  CHECK_FALSE(worker.next_deadline());
  CHECK_FALSE(worker.expire(at_s(1000), wall_s(1000)));
  CHECK(worker.status() == PushStatus::stopped);
  CHECK(worker.gone_since() == wall_s(0));
}

TEST_CASE("push_worker: busy with our own calls is not full", "[core]") {
  PushWorker worker{seconds{90}};
  worker.hear(heartbeat(), at_s(0), wall_s(0));
  worker.call_began();
  worker.hear(heartbeat(PushStatus::busy), at_s(1), wall_s(1));
  CHECK_FALSE(worker.llms().front().is_full);
  worker.call_ended(true, false, at_s(5));
  // It may have been sent before the call ended.
  worker.hear(heartbeat(PushStatus::busy), at_s(6), wall_s(6));
  CHECK_FALSE(worker.llms().front().is_full);
  worker.hear(heartbeat(PushStatus::busy), at_s(8), wall_s(8));
  CHECK(worker.llms().front().is_full);
  worker.hear(heartbeat(), at_s(9), wall_s(9));
  CHECK_FALSE(worker.llms().front().is_full);
}

TEST_CASE("push_worker: one that cannot be reached rests until it is heard of", "[core]") {
  PushWorker worker{seconds{90}};
  worker.hear(heartbeat(), at_s(0), wall_s(0));
  worker.call_began();
  CHECK(worker.call_ended(false, true, at_s(1)));
  CHECK(status_of(worker) == LlmStatus::inactive);
  worker.call_began();
  CHECK_FALSE(worker.call_ended(false, true, at_s(2)));
  SECTION("or until a call gets through") {
    worker.call_began();
    CHECK(worker.call_ended(false, false, at_s(3)));
    CHECK(status_of(worker) == LlmStatus::active);
    CHECK(worker.failed() == 3);
  }
  SECTION("a heartbeat") {
    worker.hear(heartbeat(), at_s(3), wall_s(3));
    CHECK(status_of(worker) == LlmStatus::active);
  }
  CHECK(worker.in_flight() == 0);
}

TEST_CASE("push_worker: several models, each with a life of its own", "[core]") {
  PushWorker worker{seconds{90}};
  worker.hear(heartbeat(PushStatus::ready, "a"), at_s(0), wall_s(0));
  worker.hear(heartbeat(PushStatus::ready, "b"), at_s(50), wall_s(50));
  CHECK(worker.models() == std::vector<std::string>{"a", "b"});
  CHECK(worker.llms()[0].group == worker.llms()[1].group);
  CHECK(worker.next_deadline() == at_s(90));
  CHECK(worker.expire(at_s(90), wall_s(90)));
  CHECK(worker.llms()[0].status == LlmStatus::inactive);
  CHECK(worker.llms()[1].status == LlmStatus::active);
  CHECK(worker.status() == PushStatus::ready);
  CHECK(worker.gone_since() == WallTime{});
}

TEST_CASE("push_worker: its models are bounded, those it stopped serving make room", "[core]") {
  PushWorker worker{seconds{90}};
  for (std::size_t i = 0; i < push_models_max; ++i) {
    REQUIRE_FALSE(worker.hear(heartbeat(PushStatus::ready, "m" + std::to_string(i)), at_s(0), {}));
  }
  const auto error = worker.hear(heartbeat(PushStatus::ready, "more"), at_s(1), {});
  REQUIRE(error);
  CHECK(error->code == ErrorCode::invalid_request);
  CHECK(worker.models().size() == push_models_max);
  worker.hear(heartbeat(PushStatus::stopped, "m7"), at_s(2), {});
  CHECK_FALSE(worker.hear(heartbeat(PushStatus::ready, "more"), at_s(3), {}));
  CHECK(worker.models().size() == push_models_max);
}

TEST_CASE("push_worker: a new address moves it", "[core]") {
  PushWorker worker{seconds{90}};
  worker.hear(heartbeat(), at_s(0), wall_s(0));
  PushHeartbeat moved = heartbeat();
  moved.host = "::1";
  moved.port = 9002;
  worker.hear(moved, at_s(1), wall_s(1));
  CHECK(worker.llms().front().url == "http://[::1]:9002");
}

TEST_CASE("push_worker: heartbeats that cannot be taken", "[core]") {
  CHECK_FALSE(check(heartbeat()));
  PushHeartbeat wrong = heartbeat();
  std::string param;
  SECTION("id") {
    wrong.id = GENERATE("", "with space", "line\nend");
    param = "worker.id";
  }
  SECTION("model") {
    wrong.model = std::string(129, 'm');
    param = "worker.model_id";
  }
  SECTION("port") {
    wrong.port = 0;
    param = "worker.port";
  }
  SECTION("capacity") {
    wrong.capacity = GENERATE(0U, 10'001U);
    param = "worker.capacity";
  }
  SECTION("host") {
    wrong.host = GENERATE(std::string{}, std::string(254, 'h'));
    param = "worker.host";
  }
  SECTION("version") {
    wrong.version = std::string(201, 'v');
    param = "worker.version";
  }
  if (param.empty()) return;
  const auto error = check(wrong);
  REQUIRE(error);
  CHECK(error->code == ErrorCode::invalid_request);
  CHECK(error->param == param);
}

}  // namespace signalbox
