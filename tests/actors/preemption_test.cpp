// Goal: a background task that gives its slot to an interactive call loses nothing but the work of
// that attempt. Method: houses on the virtual clock; backends of every kind that the test plays,
// and one that confirms an abort when the test says so.
#include <caf/event_based_actor.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/played_executor.hpp"
#include "tests/support/preemption_calls.hpp"
#include "tests/support/slot_fixture.hpp"
#include "tests/support/slow_executor.hpp"

namespace signalbox::testing {
namespace {

using Outcome = Attempt::Outcome;

/// @param call its number, when it has been made.
void submit_in(HouseFixture& house, Duration delay, const CallSpec& spec,
               actors::CallNumber& call) {
  const auto timer = [&house, spec, &call](caf::event_based_actor* self, Duration wait) {
    self->delayed_send(self, wait, caf::tick_atom_v);
    return caf::behavior{[&house, spec, &call, self](caf::tick_atom) {
      call = house.submit_later(spec);
      self->quit();
    }};
  };
  house.world().adopt(caf::actor_cast<caf::actor>(house.world().system().spawn(timer, delay)));
  house.world().run();
}

std::vector<Outcome> outcomes(const Task& task) {
  std::vector<Outcome> found;
  for (const Attempt& attempt : task.attempt_log) found.push_back(attempt.outcome);
  return found;
}

}  // namespace

TEST_CASE("preemption: a background task goes back, and completes when its turn comes again",
          "[actors][preempt]") {
  const CommitMode commit = GENERATE(CommitMode::sync, CommitMode::relaxed);
  HouseFixture house{preempting(1, 2, commit)};
  house.add_backend("alpha", 1, whole_answer(10s));
  const auto batch = house.submit(background_task);
  const auto other = house.submit(background_task);
  house.world().advance(4s);
  const Instant asked = house.world().now();
  const auto chat = house.submit(interactive_call);
  CHECK(house.stored(batch).state == TaskState::pending);
  CHECK(house.stored(chat).state == TaskState::claimed);
  house.world().advance(10s);
  CHECK(house.told(chat).code() == ErrorCode::none);
  CHECK(house.told(chat).at - asked == 10s);
  CHECK(house.told(chat).ended->facts.queue_wait_ms == 0);
  // It is before the other still, and works anew.
  CHECK(house.stored(other).state == TaskState::pending);
  house.world().advance(10s);
  const Task task = house.stored(batch);
  CHECK(task.state == TaskState::completed);
  CHECK(task.attempts == 2);
  CHECK(task.preemptions == 1);
  CHECK(task.losses == 0);
  CHECK(outcomes(task) == std::vector{Outcome::preempted, Outcome::completed});
  house.world().advance(10s);
  CHECK(house.stored(other).state == TaskState::completed);
  CHECK(house.profile("p").occupancy.preempted_total == 1);
  for (const CallRow& row : house.rows()) {
    const bool is_batch = row.id == house.task_of(batch).bytes;
    CHECK(row.preemptions == (is_batch ? 1 : 0));
    if (!is_batch) continue;
    CHECK(row.status == CallStatus::ok);
    CHECK(row.queue_wait_ms == 10'000);
    CHECK(row.service_time_ms == 10'000);
    CHECK(row.total_latency_ms == 24'000);
  }
}

TEST_CASE("preemption: every kind of executor stops one call and runs the other",
          "[actors][preempt][contract]") {
  const ExecutorKind kind = each_executor_kind();
  CAPTURE(to_string(kind));
  ExecutorWorld world{kind, preempting(1)};
  PlayedExecutor& backend = world.add("one");
  const auto batch = world.submit(background_task);
  const TaskId task = world.house().task_of(batch);
  REQUIRE(backend.running() == std::vector{task});
  const auto chat = world.submit(interactive_call);
  CHECK(backend.was_stopped(task));
  REQUIRE(backend.running() == std::vector{world.house().task_of(chat)});
  backend.answer(world.house().task_of(chat), "now");
  CHECK(*world.house().told(chat).ended->body == "now");
  REQUIRE(backend.running() == std::vector{task});
  backend.answer(task, "later");
  CHECK(world.house().stored(batch).state == TaskState::completed);
  CHECK(world.is_idle());
}

TEST_CASE("preemption: a task is sent back as often as its budget says, over restarts too",
          "[actors][preempt]") {
  HouseFixture house{preempting(1, 2)};
  house.add_backend("alpha", 1, whole_answer(10s));
  const auto batch = house.submit(background_task);
  const auto interrupt = [&] {
    house.world().advance(1s);
    const auto chat = house.submit(interactive_call);
    const bool is_served = house.stored(chat).state == TaskState::claimed;
    house.world().advance(10s);
    if (!is_served) house.world().advance(10s);
    CHECK(house.told(chat).code() == ErrorCode::none);
    return is_served;
  };
  CHECK(interrupt());
  SECTION("in one life") {
    CHECK(interrupt());
    CHECK_FALSE(interrupt());
  }
  SECTION("in two") {
    CHECK(house.stored(batch).state == TaskState::claimed);
    house.kill_and_restart();
    CHECK(house.stored(batch).state == TaskState::claimed);
    CHECK(interrupt());
    CHECK_FALSE(interrupt());
  }
  CHECK(house.stored(batch).state == TaskState::completed);
  CHECK(house.stored(batch).preemptions == 2);
}

TEST_CASE("preemption: preempted attempts do not count as failed ones", "[actors][preempt]") {
  HouseFixture house{preempting(1, 5)};
  SlowExecutor backend{house};
  const auto batch = house.submit(background_task);
  for (int round = 0; round < 5; ++round) {
    house.submit(interactive_call);
    backend.confirm_stop();
    backend.answer();
  }
  // Three attempts may fail; five have been taken from it.
  backend.say(BackendFailed{make_error(ErrorCode::backend_error, "busy"), true});
  house.world().advance(5s);
  backend.say(BackendFailed{make_error(ErrorCode::backend_error, "busy"), true});
  house.world().advance(5s);
  CHECK(house.stored(batch).state == TaskState::claimed);
  CHECK(house.stored(batch).attempts == 8);
  house.kill_and_restart();
  // Not even a restart takes them for failures, though the two are not told from it.
  CHECK(house.stored(batch).state == TaskState::error);
  CHECK(house.stored(batch).error_code == ErrorCode::worker_lost);
}

TEST_CASE("preemption: the slot is free when the backend has stopped, or was given up on",
          "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  SlowExecutor backend{house};
  const auto batch = house.submit(background_task);
  const auto chat = house.submit(interactive_call);
  CHECK(backend.aborts() == 1);
  CHECK(house.stored(batch).state == TaskState::claimed);
  CHECK(house.profile("p").occupancy.in_flight == 1);
  SECTION("it confirms") {
    house.world().advance(500ms);
    CHECK(backend.runs() == 1);
    backend.confirm_stop();
    CHECK(backend.running() == house.task_of(chat));
    // The patience with the first abort is nothing to the call that runs now.
    house.world().advance(5s);
    backend.answer();
    CHECK(house.told(chat).code() == ErrorCode::none);
    CHECK(backend.running() == house.task_of(batch));
    house.world().advance(5s);
    backend.answer();
    CHECK(house.stored(batch).state == TaskState::completed);
  }
  SECTION("it does not") {
    house.world().advance(1s);
    CHECK(backend.running() == house.task_of(chat));
    CHECK(house.stored(batch).state == TaskState::pending);
    // What it says too late is nobody's answer.
    backend.say(0, BackendFinished{200, "application/json", make_bytes("late"), nullptr});
    CHECK(house.stored(batch).state == TaskState::pending);
    backend.answer();
    CHECK(backend.running() == house.task_of(batch));
  }
  SECTION("it has just completed") {
    backend.answer();
    CHECK(house.stored(batch).state == TaskState::completed);
    CHECK(house.stored(batch).preemptions == 0);
    CHECK(backend.running() == house.task_of(chat));
    CHECK(house.profile("p").occupancy.preempted_total == 0);
  }
  SECTION("it dies") {
    backend.say(BackendLost{false, "it is gone"});
    CHECK(house.stored(batch).losses == 0);
    CHECK(house.stored(batch).preemptions == 1);
    CHECK(backend.running() == house.task_of(chat));
  }
  SECTION("the inference budget ends meanwhile: it is not counted while it stops") {
    house.world().advance(999ms);
    CHECK(house.stored(batch).state == TaskState::claimed);
  }
}

TEST_CASE("preemption: a victim on its way out can be cancelled, and its slot is used",
          "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  SlowExecutor backend{house};
  const auto batch = house.submit(background_task);
  const auto chat = house.submit(interactive_call);
  house.world().advance(100ms);
  house.cancel(house.task_of(batch));
  CHECK(house.stored(batch).state == TaskState::cancelled);
  CHECK(backend.runs() == 1);
  CHECK(backend.aborts() == 1);
  SECTION("confirmed") {
    backend.confirm_stop();
  }
  SECTION("given up on") {
    house.world().advance(900ms);
  }
  CHECK(backend.running() == house.task_of(chat));
  backend.answer();
  CHECK(house.told(chat).code() == ErrorCode::none);
  CHECK(house.profile("p").occupancy.in_flight == 0);
  CHECK(outcomes(house.stored(batch)) == std::vector{Outcome::cancelled});
}

TEST_CASE("preemption: when the interactive call goes, the victim gets its slot back",
          "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  SlowExecutor backend{house};
  const auto batch = house.submit(background_task);
  const auto chat = house.submit(interactive_call);
  house.hang_up(chat);
  CHECK(backend.runs() == 1);
  backend.confirm_stop();
  CHECK(backend.running() == house.task_of(batch));
  backend.answer();
  CHECK(house.stored(batch).state == TaskState::completed);
}

TEST_CASE("preemption: a crash in the middle loses nothing", "[actors][preempt]") {
  const CommitMode commit = GENERATE(CommitMode::sync, CommitMode::relaxed);
  HouseFixture house{preempting(1, 2, commit)};
  auto backend = std::make_unique<SlowExecutor>(house);
  const auto batch = house.submit(background_task);
  house.submit(interactive_call);
  SECTION("while it stops") {}
  SECTION("when it has gone back") {
    backend->confirm_stop();
  }
  SECTION("when the interactive call has ended") {
    backend->confirm_stop();
    backend->answer();
  }
  house.kill_and_restart();
  // Its own start, with a backend that answers what is still there.
  backend = std::make_unique<SlowExecutor>(house);
  for (int calls = 0; calls < 2 && backend->runs() > 0; ++calls) backend->answer();
  CHECK(house.stored(batch).state == TaskState::completed);
}

TEST_CASE("preemption: in the pause before another attempt a task gives its slot at once",
          "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  SlowExecutor backend{house};
  const auto batch = house.submit(background_task);
  backend.say(BackendFailed{make_error(ErrorCode::backend_error, "busy"), true});
  const auto chat = house.submit(interactive_call);
  CHECK(backend.aborts() == 0);
  CHECK(backend.running() == house.task_of(chat));
  house.world().advance(10s);
  CHECK(backend.runs() == 2);
  backend.answer();
  CHECK(backend.running() == house.task_of(batch));
  backend.answer();
  CHECK(house.stored(batch).state == TaskState::completed);
}

TEST_CASE("preemption: an app's slot is not taken, but takes", "[actors][preempt]") {
  HouseFixture house{preempting(1)};
  house.add_backend("alpha", 1, whole_answer(10s));
  SlotApps apps{house};
  SECTION("not taken") {
    const SlotId slot = apps.acquire({.priority = Priority::background});
    REQUIRE(apps.told(slot).is_held());
    const auto chat = house.submit(interactive_call);
    CHECK(apps.told(slot).is_held());
    CHECK(house.stored(chat).state == TaskState::pending);
  }
  SECTION("takes") {
    const auto batch = house.submit(background_task);
    const SlotId slot = apps.acquire({.priority = Priority::interactive});
    CHECK(apps.told(slot).is_held());
    CHECK(house.stored(batch).state == TaskState::pending);
  }
}

// The interactive call comes at the very instant at which the backend is done.
TEST_CASE("preemption: at one instant either the answer or the abort is first",
          "[actors][preempt][random]") {
  std::set<std::uint32_t> seen;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    HouseFixture house{preempting(1), {.schedule_seed = seed}};
    house.add_backend("alpha", 1, whole_answer(10s));
    actors::CallNumber chat = 0;
    // Of two timers of one instant the first that was set is the first to ring.
    const bool is_answer_first = seed % 2 == 0;
    if (!is_answer_first) submit_in(house, 10s, interactive_call, chat);
    const auto batch = house.submit(background_task);
    if (is_answer_first) submit_in(house, 10s, interactive_call, chat);
    house.world().advance(10s);
    REQUIRE(chat != 0);
    // At its instant nothing of it is left over.
    const std::uint32_t preemptions = house.stored(batch).preemptions;
    CHECK((house.stored(batch).state == TaskState::completed) == (preemptions == 0));
    CHECK(house.stored(chat).state == TaskState::claimed);
    house.world().advance(20s);
    CHECK(house.told(chat).code() == ErrorCode::none);
    CHECK(house.stored(batch).state == TaskState::completed);
    CHECK(house.stored(batch).attempts == preemptions + 1);
    CHECK(house.profile("p").occupancy.in_flight == 0);
    seen.insert(preemptions);
  }
  CHECK(seen == std::set<std::uint32_t>{0, 1});
}

}  // namespace signalbox::testing
