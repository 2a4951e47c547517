// Goal: whatever runs a call (an upstream, a bound worker, a push worker, a plugin), it keeps the
// same promises to tasks and so to callers. Method: every test runs once for each kind, in a whole
// house on the virtual clock; the backend itself is played by the test. What an executor says is
// read word for word by a probe in a task's place, what becomes of it by a caller.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/executor_probe.hpp"
#include "tests/support/played_executor.hpp"

namespace signalbox::testing {

// -- run -----------------------------------------------------------------------------------------

TEST_CASE("executor contract: a call is answered whole, once", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  ExecutorProbe probe{world.house()};
  REQUIRE(probe.take_lease(shared_pool));
  const TaskId task = probe.run();
  REQUIRE(backend.running() == std::vector{task});
  CHECK(probe.reports(probe.epoch()).empty());
  backend.answer(task, "hello");
  const auto reports = probe.reports(probe.epoch());
  REQUIRE(reports.size() == 1);
  const auto* finished = std::get_if<BackendFinished>(&reports[0]);
  REQUIRE(finished != nullptr);
  CHECK(finished->status == 200);
  CHECK(finished->content_type == "application/json");
  CHECK(*finished->body == "hello");
  CHECK_FALSE(finished->tail);
}

TEST_CASE("executor contract: a caller is answered, and all is free again", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  const auto call = world.submit();
  const TaskId task = world.house().task_of(call);
  REQUIRE(backend.running() == std::vector{task});
  CHECK(world.llms().at(0).running == 1);
  backend.answer(task, R"({"usage":{"prompt_tokens":3,"completion_tokens":5}})");
  REQUIRE(world.house().told(call).ended);
  CHECK(world.house().told(call).code() == ErrorCode::none);
  CHECK(world.house().stored(call).state == TaskState::completed);
  CHECK(world.house().stored(call).attempts == 1);
  const CallRow row = world.house().rows().at(0);
  CHECK(row.status == CallStatus::ok);
  CHECK(row.backend == world.llms().at(0).name);
  CHECK(row.tokens.in == 3);
  CHECK(row.tokens.out == 5);
  CHECK(world.is_idle());
}

// -- stream --------------------------------------------------------------------------------------

TEST_CASE("executor contract: a stream begins, goes on in order, and ends once",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  ExecutorProbe probe{world.house()};
  REQUIRE(probe.take_lease(shared_pool));
  const TaskId task = probe.run(true);
  for (const char* word : {"a", "b", "c"}) backend.say(task, word);
  backend.finish(task);
  const auto reports = probe.reports(probe.epoch());
  REQUIRE(reports.size() == 5);
  REQUIRE(std::holds_alternative<BackendBegan>(reports[0]));
  CHECK(std::get<BackendBegan>(reports[0]).content_type == "text/event-stream");
  std::string bytes;
  for (std::size_t index = 1; index <= 3; ++index) {
    REQUIRE(std::holds_alternative<BackendEvents>(reports[index]));
    CHECK(std::get<BackendEvents>(reports[index]).count == 1);
    bytes += *std::get<BackendEvents>(reports[index]).data;
  }
  CHECK(bytes == "data: a\n\ndata: b\n\ndata: c\n\n");
  REQUIRE(std::holds_alternative<BackendFinished>(reports[4]));
  const auto& finished = std::get<BackendFinished>(reports[4]);
  CHECK(*finished.body == "abc");
  CHECK(*finished.tail == "data: [DONE]\n\n");
}

TEST_CASE("executor contract: a reader gets the stream as it comes", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  const auto call = world.submit({.streaming = true});
  const TaskId task = world.house().task_of(call);
  backend.say(task, "a");
  CHECK(world.house().told(call).began);
  CHECK(world.house().told(call).data == "data: a\n\n");
  CHECK(world.house().stored(call).state == TaskState::running);
  backend.say(task, "b");
  CHECK(world.house().told(call).data == "data: a\n\ndata: b\n\n");
  CHECK_FALSE(world.house().told(call).is_over());
  backend.finish(task);
  REQUIRE(world.house().told(call).ended);
  CHECK(*world.house().told(call).ended->tail == "data: [DONE]\n\n");
  CHECK(*world.house().told(call).ended->body == "ab");
  CHECK(world.is_idle());
}

// -- refuse when full ----------------------------------------------------------------------------

TEST_CASE("executor contract: who is full is given nothing, and who comes is refused at once",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  actors::BrokerSettings settings;
  settings.profile_defaults.max_queued = 0;
  ExecutorWorld world{kind, settings};
  PlayedExecutor& backend = world.add("one", 2);
  const auto first = world.submit();
  const auto second = world.submit();
  const auto third = world.submit();
  CHECK(backend.given() == 2);
  CHECK(world.house().told(third).code() == ErrorCode::queue_full);
  backend.answer(world.house().task_of(first), "x");
  const auto fourth = world.submit();
  CHECK(backend.running() ==
        std::vector{world.house().task_of(second), world.house().task_of(fourth)});
}

TEST_CASE("executor contract: there is no lease on who is full", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one", 1);
  ExecutorProbe holder{world.house()};
  ExecutorProbe waiter{world.house()};
  REQUIRE(holder.take_lease(shared_pool));
  CHECK_FALSE(waiter.take_lease(shared_pool));
  CHECK(backend.given() == 0);
}

TEST_CASE("executor contract: never more than its capacity at once", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one", 3);
  std::vector<actors::CallNumber> calls;
  for (int index = 0; index < 10; ++index) calls.push_back(world.submit());
  for (std::size_t done = 0; done < calls.size(); ++done) {
    const auto running = backend.running();
    REQUIRE(running.size() == std::min<std::size_t>(3, calls.size() - done));
    // In the order they came.
    CHECK(running.front() == world.house().task_of(calls[done]));
    backend.answer(running.front(), std::to_string(done));
  }
  for (std::size_t index = 0; index < calls.size(); ++index) {
    REQUIRE(world.house().told(calls[index]).ended);
    CHECK(*world.house().told(calls[index]).ended->body == std::to_string(index));
  }
  CHECK(backend.given() == calls.size());
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: a backend that has no room after all costs an attempt, not the call",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& one = world.add("one");
  PlayedExecutor& two = world.add("two");
  const auto call = world.submit();
  const TaskId task = world.house().task_of(call);
  PlayedExecutor& first = one.given() > 0 ? one : two;
  PlayedExecutor& second = one.given() > 0 ? two : one;
  first.fail(task, true);
  REQUIRE(second.running() == std::vector{task});
  second.answer(task, "done");
  CHECK(world.house().stored(call).state == TaskState::completed);
  CHECK(world.house().stored(call).attempts == 2);
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: what is the request's own fault is final", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  const auto call = world.submit();
  backend.fail(world.house().task_of(call), false);
  CHECK(world.house().told(call).code() == ErrorCode::backend_error);
  CHECK(world.house().stored(call).attempts == 1);
  CHECK(world.is_idle());
}

// -- abort ---------------------------------------------------------------------------------------

TEST_CASE("executor contract: a hang-up stops the backend and frees the slot",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  const bool is_streaming = GENERATE(false, true);
  CAPTURE(to_string(kind), is_streaming);
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  const auto call = world.submit({.streaming = is_streaming});
  const TaskId task = world.house().task_of(call);
  if (is_streaming) backend.say(task, "a");
  const auto next = world.submit();
  world.house().hang_up(call);
  CHECK(backend.was_stopped(task));
  CHECK(world.house().stored(call).state == TaskState::cancelled);
  CHECK(backend.running() == std::vector{world.house().task_of(next)});
  // Too late: it changes nothing, for this call or another.
  backend.say(task, "b");
  backend.answer(task, "late");
  CHECK(world.house().stored(call).state == TaskState::cancelled);
  CHECK_FALSE(world.house().told(next).is_over());
  backend.answer(world.house().task_of(next), "x");
  CHECK(world.house().told(next).ended);
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: an abort is confirmed by one end, after which nothing comes",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  ExecutorProbe probe{world.house()};
  REQUIRE(probe.take_lease(shared_pool));
  const TaskId task = probe.run(true);
  backend.say(task, "a");
  probe.abort(probe.epoch());
  CHECK(backend.was_stopped(task));
  CHECK(probe.ends(probe.epoch()) == 1);
  const std::size_t count = probe.reports(probe.epoch()).size();
  probe.abort(probe.epoch());
  backend.say(task, "b");
  backend.finish(task);
  world.pass(5s);
  CHECK(probe.reports(probe.epoch()).size() == count);
  CHECK(probe.ends_last(probe.epoch()));
}

TEST_CASE("executor contract: an abort reaches only the claim that it names",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  ExecutorProbe probe{world.house()};
  REQUIRE(probe.take_lease(shared_pool));
  const TaskId task = probe.run();
  const Epoch first = probe.epoch();
  backend.fail(task, true);
  CHECK(probe.ends(first) == 1);
  probe.run_again();
  probe.abort(first);
  CHECK(backend.running() == std::vector{task});
  backend.answer(task, "second");
  CHECK(probe.ends(first) == 1);
  REQUIRE(probe.ends_last(probe.epoch()));
  CHECK(std::holds_alternative<BackendFinished>(probe.reports(probe.epoch()).back()));
}

TEST_CASE("executor contract: the inference budget stops the backend", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  const auto call = world.submit({.inference = 5s});
  world.pass(4900ms);
  CHECK_FALSE(world.house().told(call).is_over());
  world.pass(200ms);
  CHECK(world.house().told(call).code() == ErrorCode::inference_timeout);
  CHECK(backend.was_stopped(world.house().task_of(call)));
  CHECK(world.is_idle());
}

}  // namespace signalbox::testing
