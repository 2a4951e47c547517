// Goal: what a worker does next follows from what has happened. Method: events in, steps out; the
// pauses by their bounds.
#include "cli/worker/worker_state.hpp"

#include <catch2/catch.hpp>

#include "cli/worker/worker_reconnect.hpp"

namespace signalbox::cli {
namespace {

BrokerAnswer answered(int status, std::string body = "{}") {
  return {.status = status, .body = std::move(body), .reason = {}};
}

const BrokerAnswer registered = answered(201, R"({"session":"s-1","llms":[]})");
const BrokerAnswer away{.status = 0, .body = "", .may_have_arrived = false, .reason = "refused"};

WorkerState bound_state() {
  WorkerState state{""};
  state.take_registration(registered);
  state.take_bound();
  return state;
}

InferFrame frame_of(std::uint64_t attempt) {
  InferFrame frame;
  frame.attempt = attempt;
  return frame;
}

}  // namespace

TEST_CASE("worker_state: registers, then binds, and binds again", "[cli][worker_state]") {
  WorkerState state{""};
  CHECK(state.next_step() == LinkStep::enroll);
  CHECK(state.registration() == 0);
  state.take_registration(registered);
  CHECK(state.session() == "s-1");
  CHECK(state.registration() == 1);
  CHECK(state.next_step() == LinkStep::bind);
  state.take_bound();
  CHECK(state.is_bound());
  state.take_stream_end(answered(200));
  CHECK_FALSE(state.is_bound());
  CHECK(state.next_step() == LinkStep::bind);
  state.take_stream_end(away);
  CHECK(state.next_step() == LinkStep::bind);
}

TEST_CASE("worker_state: a broker that is away at first is waited for", "[cli][worker_state]") {
  WorkerState state{"s-0"};
  for (const BrokerAnswer& answer : {away, answered(503), answered(500), answered(429)}) {
    state.take_registration(answer);
    CHECK(state.next_step() == LinkStep::enroll);
    CHECK_FALSE(state.failure());
  }
  CHECK(state.session() == "s-0");
}

TEST_CASE("worker_state: a first registration that is refused", "[cli][worker_state]") {
  const auto exit_code = [](const BrokerAnswer& answer) {
    WorkerState state{""};
    state.take_registration(answer);
    CHECK(state.next_step() == LinkStep::end);
    return state.failure().value().exit_code;
  };
  CHECK(exit_code(answered(409, R"({"error":{"message":"m","code":"name_conflict"}})")) ==
        ExitCode::rejected);
  CHECK(exit_code(answered(401)) == ExitCode::auth);
  CHECK(exit_code(answered(403)) == ExitCode::auth);
  CHECK(exit_code(answered(400)) == ExitCode::failure);
  CHECK(exit_code(answered(404)) == ExitCode::failure);
  CHECK(exit_code(answered(201, "{}")) == ExitCode::failure);
}

TEST_CASE("worker_state: a later one that is refused is tried again", "[cli][worker_state]") {
  WorkerState state = bound_state();
  state.take_session_gone(1);
  CHECK(state.next_step() == LinkStep::enroll);
  CHECK(state.session() == "s-1");
  for (const int status : {409, 400, 404, 503}) {
    state.take_registration(answered(status));
    CHECK(state.next_step() == LinkStep::enroll);
  }
  state.take_registration(answered(401));
  CHECK(state.failure().value().exit_code == ExitCode::auth);
}

TEST_CASE("worker_state: news of an older registration changes nothing", "[cli][worker_state]") {
  WorkerState state = bound_state();
  state.take_session_gone(1);
  state.take_registration(registered);
  CHECK(state.registration() == 2);
  state.take_session_gone(1);
  CHECK(state.is_enrolled());
  state.take_stream_end(answered(404));
  CHECK_FALSE(state.is_enrolled());
}

TEST_CASE("worker_state: which tasks are run", "[cli][worker_state]") {
  WorkerState state = bound_state();
  CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::run);
  CHECK(state.judge(frame_of(2), 1) == InferStep::replace);
  CHECK(state.judge(frame_of(2), 2) == InferStep::ignore);
  CHECK(state.judge(frame_of(1), 2) == InferStep::ignore);
  CHECK(state.judge(frame_of(0), 0) == InferStep::replace);
}

TEST_CASE("worker_state: a restarting broker is come back to", "[cli][worker_state]") {
  WorkerState state = bound_state();
  state.take_drain({std::chrono::milliseconds{300}});
  CHECK_FALSE(state.is_leaving());
  CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::ignore);
  state.take_stream_end(answered(200));
  CHECK(state.take_retry() == std::chrono::milliseconds{300});
  CHECK_FALSE(state.take_retry());
  CHECK(state.next_step() == LinkStep::bind);
  state.take_bound();
  CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::run);
}

TEST_CASE("worker_state: an operator's drain ends it", "[cli][worker_state]") {
  WorkerState state = bound_state();
  state.take_drain({});
  CHECK(state.is_leaving());
  CHECK_FALSE(state.is_stopping());
  CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::ignore);
  CHECK(state.next_step() == LinkStep::end);
  CHECK_FALSE(state.failure());
}

TEST_CASE("worker_state: a signal ends it", "[cli][worker_state]") {
  WorkerState state = bound_state();
  state.take_stop();
  CHECK(state.is_leaving());
  CHECK(state.next_step() == LinkStep::end);
  SECTION("what crosses our drain is run, up to the broker's word") {
    state.take_drain_answer(answered(200));
    CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::run);
    state.take_drain({});
    CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::ignore);
  }
  SECTION("a broker that knows no drain is not waited for") {
    const int status = GENERATE(0, 404, 500);
    state.take_drain_answer(status == 0 ? away : answered(status));
    CHECK(state.judge(frame_of(1), std::nullopt) == InferStep::ignore);
  }
}

TEST_CASE("worker_reconnect: doubles up to 15 s, with jitter", "[cli][worker_reconnect]") {
  using std::chrono::milliseconds;
  ReconnectPolicy policy;
  CHECK(policy.next(0) == milliseconds{125});
  CHECK(policy.next(0.5) == milliseconds{375});
  CHECK(policy.next(1) == milliseconds{1'000});
  for (int i = 0; i < 100; ++i) CHECK(policy.next(1) <= ReconnectPolicy::most);
  CHECK(policy.next(1) == milliseconds{15'000});
  CHECK(policy.next(0) == milliseconds{7'500});
  policy.reset();
  CHECK(policy.next(1) == milliseconds{250});
}

}  // namespace signalbox::cli
