// Goal: both stores keep the contract of core/ports.hpp to the letter, so that what the simulator
// proves about actors on the memory store holds on LMDB. Method: one suite over both, on single
// operations, batches and restarts.
#include "tests/persistence/store_fixtures.hpp"

#define STORE_TEST(name) \
  TEMPLATE_TEST_CASE("task_store: " name, "[persistence]", MemoryFixture, LmdbFixture)

namespace signalbox::persistence::test {
namespace {

using Outcome = StoreResult::Outcome;
using enum TaskState;

constexpr std::array all_states{pending, claimed, running, completed, TaskState::error, cancelled};

/// Brings task `number` into `state` with epoch 7 (where it is claimed).
void bring_to(TaskStore& store, std::uint64_t number, TaskState state) {
  std::vector<StoreOp> ops{insert(number)};
  if (state != pending && state != cancelled) ops.emplace_back(claim(number, 7));
  if (state == running) ops.emplace_back(run(number, 7));
  if (state == completed) ops.emplace_back(complete(number, 7, "first"));
  if (state == TaskState::error) ops.emplace_back(fail(number, 7));
  if (state == cancelled) ops.emplace_back(cancel(number));
  commit_all(store, ops);
  REQUIRE(load(store, number)->state == state);
}

MoveTask move_from_anywhere(std::uint64_t number, TaskState to) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {pending, claimed, running, completed, TaskState::error, cancelled};
  move.to = to;
  move.claimed_by = "worker-2";
  move.new_epoch = 8;
  move.at = at_ms(5000);
  move.response = make_bytes("second");
  return move;
}

}  // namespace

STORE_TEST("an inserted task is there with its request") {
  TestType fixture;
  Task task = make_task(1);
  task.metadata = R"({"ticket": 7})";
  task.attended = true;
  const StoreResult result = commit_one(fixture.store(), insert(task, "the prompt"));
  REQUIRE(result.outcome == Outcome::applied);
  CHECK(*result.task == task);
  CHECK(load(fixture.store(), 1) == task);
  CHECK(body(fixture.store(), 1, BodyKind::request) == "the prompt");
  CHECK(body(fixture.store(), 1, BodyKind::response) == "(none)");
}

STORE_TEST("what is not there reads as nothing") {
  TestType fixture;
  CHECK_FALSE(load(fixture.store(), 1));
  CHECK(body(fixture.store(), 1, BodyKind::request) == "(none)");
  CHECK(fixture.store().find_idempotent("nobody")->has_value() == false);
  CHECK(fixture.store().find_idempotent("")->has_value() == false);
  CHECK(fixture.store().list({})->tasks.empty());
  CHECK(fixture.store().documents("profile")->empty());
  CHECK(commit_one(fixture.store(), cancel(1)).outcome == Outcome::missing);
  CHECK(commit_one(fixture.store(), DeleteTask{task_id(1)}).outcome == Outcome::missing);
  CHECK(fixture.store().commit({}).empty());
}

STORE_TEST("an id is taken once") {
  TestType fixture;
  commit_all(fixture.store(), {insert(1)});
  Task other = make_task(1);
  other.owner = "bob";
  const StoreResult result = commit_one(fixture.store(), insert(other, "other"));
  REQUIRE(result.outcome == Outcome::conflict);
  CHECK(result.task->owner == "alice");
  CHECK(body(fixture.store(), 1, BodyKind::request) == "request 1");
}

STORE_TEST("bodies of any size come back byte by byte") {
  TestType fixture;
  const std::size_t chunk = 64 * 4096;
  std::uint64_t number = 0;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2000}, chunk - 29,
                                 chunk - 28, chunk - 27, 3 * chunk, std::size_t{10} << 20U}) {
    std::string request(size, '\0');
    for (std::size_t index = 0; index < size; ++index) {
      request[index] = static_cast<char>(index * 31 + index / 251);
    }
    const std::string response{request.rbegin(), request.rend()};
    ++number;
    commit_all(fixture.store(), {insert(make_task(number), request), claim(number, 1),
                                 complete(number, 1, response)});
    CHECK((body(fixture.store(), number, BodyKind::request) == request));
    CHECK((body(fixture.store(), number, BodyKind::response) == response));
  }
  fixture.require_sound();
}

STORE_TEST("a task without a body has none") {
  TestType fixture;
  commit_all(fixture.store(), {InsertTask{share(make_task(1)), nullptr}, claim(1, 1)});
  MoveTask end = complete(1, 1);
  end.response = nullptr;
  commit_all(fixture.store(), {end});
  CHECK(body(fixture.store(), 1, BodyKind::request) == "(none)");
  CHECK(body(fixture.store(), 1, BodyKind::response) == "(none)");
}

STORE_TEST("each transition sets its fields") {
  TestType fixture;
  TaskStore& store = fixture.store();
  Task expected = make_task(1);
  commit_all(store, {insert(expected), claim(1, 7)});
  expected.state = claimed;
  expected.claimed_by = "worker-1";
  expected.backend = "qwen";
  expected.epoch = 7;
  expected.attempts = 1;
  expected.claimed_at = at_ms(1000);
  using Attempted = Attempt::Outcome;
  expected.attempt_log = {
      {1, "qwen", "worker-1", at_ms(1000), {}, Attempted::open, ErrorCode::none}};
  CHECK(load(store, 1) == expected);

  commit_all(store, {run(1, 7)});
  expected.state = running;
  expected.stream_started_at = at_ms(2000);
  CHECK(load(store, 1) == expected);

  commit_all(store, {give_back(1, 7, true)});
  std::vector<Attempt> log{
      {1, "qwen", "worker-1", at_ms(1000), at_ms(2500), Attempted::lost, ErrorCode::none}};
  expected = make_task(1);
  expected.attempts = 1;
  expected.losses = 1;
  expected.attempt_log = log;
  CHECK(load(store, 1) == expected);

  commit_all(store, {claim(1, 8, "worker-2"), give_back(1, 8, false)});
  expected.attempts = 2;
  log.push_back(
      {2, "qwen", "worker-2", at_ms(2500), at_ms(2500), Attempted::returned, ErrorCode::none});
  expected.attempt_log = log;
  CHECK(load(store, 1) == expected);

  commit_all(store, {claim(1, 9), complete(1, 9)});
  expected.state = completed;
  expected.claimed_by = "worker-1";
  expected.backend = "qwen";
  log.push_back(
      {3, "qwen", "worker-1", at_ms(2500), at_ms(3000), Attempted::completed, ErrorCode::none});
  expected.attempt_log = log;
  expected.epoch = 9;
  expected.attempts = 3;
  // The machine's clock had been set back to before the last attempt's end.
  expected.claimed_at = at_ms(2500);
  expected.completed_at = at_ms(3000);
  expected.response_type = "application/json";
  CHECK(load(store, 1) == expected);
  fixture.require_sound();
}

STORE_TEST("an error keeps its code, message and status") {
  TestType fixture;
  commit_all(fixture.store(), {insert(1), claim(1, 7), fail(1, 7), insert(2), cancel(2)});
  const auto failed = load(fixture.store(), 1);
  CHECK(failed->state == TaskState::error);
  CHECK(failed->error_code == ErrorCode::backend_error);
  CHECK(failed->error_message == "The backend said no.");
  CHECK(failed->backend_status == 422);
  CHECK(failed->completed_at == at_ms(3500));
  const auto stopped = load(fixture.store(), 2);
  CHECK(stopped->state == cancelled);
  CHECK(stopped->error_code == ErrorCode::task_cancelled);
}

STORE_TEST("from every state exactly the legal transitions are applied") {
  TestType fixture;
  std::uint64_t number = 0;
  for (const TaskState from : all_states) {
    for (const TaskState to : all_states) {
      bring_to(fixture.store(), ++number, from);
      const auto before = load(fixture.store(), number);
      const StoreResult result = commit_one(fixture.store(), move_from_anywhere(number, to));
      const auto after = load(fixture.store(), number);
      INFO(to_string(from) << " -> " << to_string(to));
      REQUIRE(*result.task == *after);
      if (may_go(from, to)) {
        CHECK(result.outcome == Outcome::applied);
        CHECK(after->state == to);
      } else {
        CHECK(result.outcome == Outcome::conflict);
        CHECK(*after == *before);
      }
    }
  }
  fixture.require_sound();
}

STORE_TEST("a move from another state than it names is a conflict") {
  TestType fixture;
  std::uint64_t number = 0;
  for (const TaskState state : {pending, claimed, running}) {
    bring_to(fixture.store(), ++number, state);
    MoveTask move = move_from_anywhere(number, cancelled);
    move.from = {};
    for (const TaskState other : all_states) {
      if (other != state) move.from.bits |= StateSet{other}.bits;
    }
    CHECK(commit_one(fixture.store(), move).outcome == Outcome::conflict);
    CHECK(load(fixture.store(), number)->state == state);
  }
}

STORE_TEST("a claim that was given up can change nothing") {
  TestType fixture;
  TaskStore& store = fixture.store();
  commit_all(store, {insert(1), claim(1, 7), give_back(1, 7, true), claim(1, 8, "worker-2")});
  for (const StoreOp& late : {StoreOp{run(1, 7)}, StoreOp{complete(1, 7, "late")},
                              StoreOp{fail(1, 7)}, StoreOp{give_back(1, 7, false)}}) {
    const StoreResult result = commit_one(store, late);
    CHECK(result.outcome == Outcome::conflict);
    CHECK(result.task->epoch == 8);
  }
  commit_all(store, {complete(1, 8, "in time")});
  CHECK(body(store, 1, BodyKind::response) == "in time");
}

STORE_TEST("the first terminal move wins and its body is kept") {
  TestType fixture;
  for (const TaskState to : {completed, TaskState::error, cancelled}) {
    const auto number = static_cast<std::uint64_t>(to);
    commit_all(fixture.store(), {insert(number), claim(number, 7), complete(number, 7, "first")});
    const auto before = load(fixture.store(), number);
    const StoreResult second = commit_one(fixture.store(), move_from_anywhere(number, to));
    CHECK(second.outcome == Outcome::conflict);
    CHECK(*second.task == *before);
    CHECK(load(fixture.store(), number) == before);
    CHECK(body(fixture.store(), number, BodyKind::response) == "first");
  }
  fixture.require_sound();
}

STORE_TEST("an idempotency key belongs to one task as long as that lives") {
  TestType fixture;
  TaskStore& store = fixture.store();
  Task first = make_task(1);
  first.idempotency_hash = std::string(64, 'h');
  first.request_hash = "body hash";
  Task second = make_task(2);
  second.idempotency_hash = first.idempotency_hash;

  commit_all(store, {insert(first)});
  const StoreResult refused = commit_one(store, insert(second));
  REQUIRE(refused.outcome == Outcome::conflict);
  CHECK(*refused.task == first);
  CHECK_FALSE(load(store, 2));
  CHECK(store.find_idempotent(first.idempotency_hash)->value() == first);

  commit_all(store, {claim(1, 7), complete(1, 7)});
  CHECK(commit_one(store, insert(second)).outcome == Outcome::conflict);
  CHECK(store.find_idempotent(first.idempotency_hash)->value().state == completed);

  commit_all(store, {DeleteTask{task_id(1)}});
  CHECK_FALSE(store.find_idempotent(first.idempotency_hash)->has_value());
  commit_all(store, {insert(second)});
  CHECK(store.find_idempotent(first.idempotency_hash)->value().id == task_id(2));
  fixture.require_sound();
}

STORE_TEST("an idempotency key changes hands within one batch, to an older id too") {
  TestType fixture;
  Task first = make_task(5);
  first.idempotency_hash = "key";
  Task second = make_task(3);
  second.idempotency_hash = "key";
  commit_all(fixture.store(), {insert(first), cancel(5)});
  const std::vector<StoreOp> ops{insert(second), DeleteTask{task_id(5)}, insert(second),
                                 insert(first)};
  const auto results = fixture.store().commit(ops);
  CHECK(results[0].outcome == Outcome::conflict);
  CHECK(results[1].outcome == Outcome::applied);
  CHECK(results[2].outcome == Outcome::applied);
  CHECK(results[3].outcome == Outcome::conflict);
  CHECK(results[3].task->id == task_id(3));
  CHECK(fixture.store().find_idempotent("key")->value().id == task_id(3));
  fixture.require_sound();
}

STORE_TEST("only terminal tasks are deleted, with all that belongs to them") {
  TestType fixture;
  TaskStore& store = fixture.store();
  std::uint64_t number = 0;
  for (const TaskState state : all_states) {
    bring_to(store, ++number, state);
    const StoreResult result = commit_one(store, DeleteTask{task_id(number)});
    CHECK(result.task->state == state);
    if (is_terminal(state)) {
      CHECK(result.outcome == Outcome::applied);
      CHECK_FALSE(load(store, number));
      CHECK(body(store, number, BodyKind::request) == "(none)");
      CHECK(body(store, number, BodyKind::response) == "(none)");
    } else {
      CHECK(result.outcome == Outcome::conflict);
      CHECK(load(store, number)->state == state);
    }
  }
  CHECK(list_all(store, {}) == std::vector<std::uint64_t>{3, 2, 1});
  CHECK(fixture.store().finished_before(at_ms(1000000), 10)->empty());
  fixture.require_sound();
}

STORE_TEST("a refused operation does not spoil its batch, and order counts") {
  TestType fixture;
  const std::vector<StoreOp> ops{
      claim(1, 7),    insert(1), claim(1, 7),    claim(1, 8),           insert(1),
      complete(2, 1), insert(2), complete(1, 6), complete(1, 7, "one"), DeleteTask{task_id(2)}};
  const auto results = fixture.store().commit(ops);
  const std::vector<Outcome> expected{
      Outcome::missing, Outcome::applied, Outcome::applied,  Outcome::conflict, Outcome::conflict,
      Outcome::missing, Outcome::applied, Outcome::conflict, Outcome::applied,  Outcome::conflict};
  REQUIRE(results.size() == expected.size());
  for (std::size_t index = 0; index < expected.size(); ++index) {
    INFO("operation " << index);
    CHECK(results[index].outcome == expected[index]);
  }
  // Every result shows the row as it was at that point, not as it is in the end.
  CHECK(results[1].task->state == pending);
  CHECK(results[2].task->state == claimed);
  CHECK(results[8].task->state == completed);
  CHECK(load(fixture.store(), 1)->state == completed);
  CHECK(body(fixture.store(), 1, BodyKind::response) == "one");
  CHECK(load(fixture.store(), 2)->state == pending);
  fixture.require_sound();
}

STORE_TEST("a whole life within one batch leaves nothing") {
  TestType fixture;
  Task task = make_task(1);
  task.idempotency_hash = "key";
  commit_all(fixture.store(),
             {insert(task), claim(1, 7), run(1, 7), complete(1, 7), DeleteTask{task_id(1)}});
  CHECK_FALSE(load(fixture.store(), 1));
  CHECK(list_all(fixture.store(), {}).empty());
  CHECK_FALSE(fixture.store().find_idempotent("key")->has_value());
  fixture.require_sound();
}

}  // namespace signalbox::persistence::test
