// Goal: whatever runs a call, its death loses no call, and it is given work again when it is back.
// Method: as executor_contract_test.
#include <catch2/catch.hpp>

#include "tests/support/executor_probe.hpp"
#include "tests/support/played_executor.hpp"

namespace signalbox::testing {

// -- die in mid-task -----------------------------------------------------------------------------

TEST_CASE("executor contract: of who dies, another takes the call", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& one = world.add("one");
  PlayedExecutor& two = world.add("two");
  const auto call = world.submit();
  const TaskId task = world.house().task_of(call);
  PlayedExecutor& first = one.given() > 0 ? one : two;
  PlayedExecutor& second = one.given() > 0 ? two : one;
  first.die();
  REQUIRE(second.running() == std::vector{task});
  second.answer(task, "from the other");
  REQUIRE(world.house().told(call).ended);
  CHECK(*world.house().told(call).ended->body == "from the other");
  CHECK(world.house().stored(call).attempts == 2);
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: a death in mid-task is one end that lets the task live",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  ExecutorProbe probe{world.house()};
  REQUIRE(probe.take_lease(shared_pool));
  const TaskId task = probe.run(true);
  backend.say(task, "a");
  backend.die();
  REQUIRE(probe.ends_last(probe.epoch()));
  const BackendEvent end = probe.reports(probe.epoch()).back();
  const auto* failed = std::get_if<BackendFailed>(&end);
  const auto* lost = std::get_if<BackendLost>(&end);
  REQUIRE((failed != nullptr || lost != nullptr));
  if (failed != nullptr) CHECK(failed->retryable);
  if (failed != nullptr) CHECK(counts_against_backend(*failed));
  if (lost != nullptr) CHECK_FALSE(lost->is_clean);
  world.let_it_be_noticed();
  CHECK(probe.ends_last(probe.epoch()));
}

TEST_CASE("executor contract: who read a part of the answer is told, not given another beginning",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& one = world.add("one");
  PlayedExecutor& two = world.add("two");
  const auto call = world.submit({.streaming = true});
  PlayedExecutor& first = one.given() > 0 ? one : two;
  PlayedExecutor& second = one.given() > 0 ? two : one;
  first.say(world.house().task_of(call), "a");
  first.die();
  CHECK(world.house().told(call).code() == ErrorCode::backend_stream_failed);
  CHECK(world.house().told(call).data == "data: a\n\n");
  CHECK(second.given() == 0);
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: what nobody has read of is run again elsewhere",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& one = world.add("one");
  PlayedExecutor& two = world.add("two");
  const auto call = world.submit({.streaming = true, .is_async = true});
  const TaskId task = world.house().task_of(call);
  PlayedExecutor& first = one.given() > 0 ? one : two;
  PlayedExecutor& second = one.given() > 0 ? two : one;
  first.say(task, "a");
  first.die();
  REQUIRE(second.running() == std::vector{task});
  second.say(task, "b");
  second.finish(task);
  CHECK(world.house().stored(call).state == TaskState::completed);
  const auto body = world.house().store().load_body(task, BodyKind::response);
  REQUIRE(body.has_value());
  CHECK(**body == "b");
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: a call that reaches one that has just died has an end all the same",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  ExecutorProbe probe{world.house()};
  REQUIRE(probe.take_lease(shared_pool));
  backend.die();
  probe.run();
  CHECK(backend.given() == 0);
  REQUIRE(probe.ends_last(probe.epoch()));
  CHECK_FALSE(std::holds_alternative<BackendFinished>(probe.reports(probe.epoch()).back()));
  probe.abort(probe.epoch());
  CHECK(probe.ends_last(probe.epoch()));
}

// -- come back -----------------------------------------------------------------------------------

TEST_CASE("executor contract: one that restarts under a call finishes it", "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  const auto call = world.submit();
  const TaskId task = world.house().task_of(call);
  backend.die();
  CHECK_FALSE(world.house().told(call).is_over());
  backend.come_up();
  world.pass(1s);
  REQUIRE(backend.running() == std::vector{task});
  backend.answer(task, "after all");
  REQUIRE(world.house().told(call).ended);
  CHECK(world.house().told(call).code() == ErrorCode::none);
  CHECK(world.house().stored(call).attempts == 2);
  CHECK(world.is_idle());
}

TEST_CASE("executor contract: who is known as gone gets nothing until it is back",
          "[actors][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind};
  PlayedExecutor& backend = world.add("one");
  CHECK(world.llms().at(0).is_present());
  backend.die();
  world.let_it_be_noticed();
  CHECK_FALSE(world.llms().at(0).is_present());
  CHECK(world.house().told(world.submit({.fail_fast = true})).code() == ErrorCode::no_backend);
  const auto call = world.submit({.queue_wait = 600s});
  const auto kept = world.submit({.is_async = true});
  world.let_it_be_noticed();
  CHECK_FALSE(world.house().told(call).is_over());
  CHECK(backend.given() == 0);
  backend.come_up();
  world.pass(3s);
  CHECK(world.llms().at(0).is_present());
  REQUIRE(backend.running() == std::vector{world.house().task_of(call)});
  backend.answer(world.house().task_of(call), "x");
  backend.answer(world.house().task_of(kept), "y");
  CHECK(world.house().told(call).ended);
  CHECK(world.house().stored(kept).state == TaskState::completed);
  CHECK(world.is_idle());
}

// -- leave ---------------------------------------------------------------------------------------

namespace {

actors::ExecutorActor::behavior_type prompt_executor(actors::ExecutorActor::pointer self,
                                                     const std::string& answer) {
  return {
      [self, body = make_bytes(answer)](const actors::RunTask& message) {
        self->send(message.reply_to,
                   actors::BackendReport{message.epoch,
                                         BackendFinished{200, "text/plain", body, nullptr}});
      },
      [](const actors::AbortTask&) {},
      [](const actors::WakeLlm&) {},
      [](const actors::LlmTaken&) {},
  };
}

}  // namespace

TEST_CASE("executor: nobody keeps one that has left the house", "[actors]") {
  HouseFixture house;
  caf::actor_addr address;
  {
    const actors::ExecutorActor executor =
        house.world().system().spawn(prompt_executor, std::string{"answer"});
    address = caf::actor_cast<caf::actor_addr>(executor);
    Llm llm;
    llm.name = "alpha";
    llm.kind = LlmKind::plugin;
    llm.group = "alpha";
    llm.status = LlmStatus::active;
    caf::anon_send(house.house().directory, actors::PutLlms{1, executor, {llm}});
    house.world().run();
  }
  const auto call = house.submit({});
  REQUIRE(house.told(call).ended);
  const auto is_alive = [&] { return caf::actor_cast<caf::strong_actor_ptr>(address) != nullptr; };
  REQUIRE(is_alive());
  caf::anon_send(house.house().directory, actors::RemoveExecutor{1});
  house.world().run();
  CHECK_FALSE(is_alive());
}

}  // namespace signalbox::testing
