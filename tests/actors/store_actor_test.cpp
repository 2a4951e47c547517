// Goal: every write is answered once, in order, with what became of it; a full store refuses the
// large and takes the small. Method: the actor on the virtual scheduler, so that what is sent
// together is one batch, with a store that has room for so many bytes a commit, and with a real one
// of the least size there is.
#include "actors/store/store_actor.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "persistence/lmdb_task_store.hpp"
#include "persistence/memory_task_store.hpp"
#include "simulations/world/virtual_system.hpp"

namespace signalbox::testing {
namespace {

using Outcome = StoreResult::Outcome;
using actors::StoreAnswer;

TaskId task_id(std::uint8_t number) {
  TaskId id;
  id.bytes[15] = number;
  return id;
}

InsertTask insert(std::uint8_t number, std::size_t bytes = 10) {
  Task task;
  task.id = task_id(number);
  return {share(task), make_bytes(std::string(bytes, 'x'))};
}

MoveTask cancel(std::uint8_t number, std::size_t bytes = 0) {
  MoveTask move;
  move.id = task_id(number);
  move.from = {TaskState::pending};
  move.to = TaskState::cancelled;
  move.error_code = ErrorCode::task_cancelled;
  if (bytes > 0) move.response = make_bytes(std::string(bytes, 'y'));
  return move;
}

/// Refuses a commit with more bytes of bodies than `room`, as a disk does.
class TightStore : public persistence::MemoryTaskStore {
 public:
  std::vector<StoreResult> commit(std::span<const StoreOp> ops) override {
    ++commits;
    std::size_t bytes = 0;
    for (const StoreOp& op : ops) {
      if (const auto* added = std::get_if<InsertTask>(&op)) bytes += added->request->size();
      const auto* move = std::get_if<MoveTask>(&op);
      if (move != nullptr && move->response) bytes += move->response->size();
    }
    if (bytes <= room) return MemoryTaskStore::commit(ops);
    return {ops.size(), {Outcome::failed, nullptr, make_error(ErrorCode::store_full, "full")}};
  }
  std::size_t room = 1000;
  std::size_t commits = 0;
};

using Answers = std::vector<StoreAnswer>;

/// Sends `ops` at once, so that they are one batch. @returns the answers in the order they came.
std::vector<StoreAnswer> write(std::shared_ptr<TaskStore> store, std::vector<StoreOp> ops) {
  sim::VirtualSystem world{sim::VirtualOptions{}};
  auto answers = std::make_shared<std::vector<StoreAnswer>>();
  {
    const auto actor =
        world.system().spawn(actors::store_actor, std::move(store), actors::GatherRule{});
    const auto noting = [](actors::StoreClient::pointer,
                           std::shared_ptr<Answers> noted) -> actors::StoreClient::behavior_type {
      return {[noted](const actors::StoreAnswer& answer) { noted->push_back(answer); }};
    };
    const actors::StoreClient client = world.system().spawn(noting, answers);
    std::uint64_t cookie = 0;
    for (StoreOp& op : ops) {
      caf::anon_send(actor, actors::StoreWrite{std::move(op), client, cookie++});
    }
    world.run();
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    world.run();
  }
  REQUIRE(answers->size() == ops.size());
  for (std::size_t index = 0; index < ops.size(); ++index) {
    REQUIRE((*answers)[index].cookie == index);
  }
  return *answers;
}

/// A letter per answer: applied, full, failed otherwise.
std::string summary(const std::vector<StoreAnswer>& answers) {
  std::string letters;
  for (const StoreAnswer& answer : answers) {
    const bool is_full = answer.result.error.code == ErrorCode::store_full;
    letters += answer.result.outcome == Outcome::applied ? 'a' : is_full ? 'F' : 'x';
  }
  return letters;
}

std::vector<StoreOp> inserts(std::uint8_t count) {
  std::vector<StoreOp> ops;
  for (std::uint8_t number = 1; number <= count; ++number) ops.emplace_back(insert(number));
  return ops;
}

}  // namespace

TEST_CASE("store_actor: a batch too large for a full store goes in without what is too large",
          "[actors]") {
  const auto store = std::make_shared<TightStore>();
  CHECK(summary(write(store, inserts(9))) == "aaaaaaaaa");
  CHECK(store->commits == 1);
  const auto answers =
      write(store, {cancel(1), cancel(2), insert(20, 5000), cancel(3), cancel(4, 400), cancel(5),
                    cancel(6, 2000), cancel(7), cancel(8, 400)});
  CHECK(summary(answers) == "aaFaaaFaa");
  // 17 is what halving down to one operation each would be.
  CHECK(store->commits <= 1 + 17);
  CHECK(store->load(task_id(8)).value()->state == TaskState::cancelled);
  CHECK(store->load(task_id(6)).value()->state == TaskState::pending);
  CHECK_FALSE(store->load(task_id(20)).value().has_value());
}

TEST_CASE("store_actor: operations on one task keep their order when their batch is halved",
          "[actors]") {
  const auto store = std::make_shared<TightStore>();
  const auto answers = write(store, {insert(1), cancel(1), insert(2, 5000), DeleteTask{task_id(1)},
                                     insert(1, 20), cancel(1, 30)});
  CHECK(summary(answers) == "aaFaaa");
  CHECK(store->load_body(task_id(1), BodyKind::response).value()->size() == 30);
}

TEST_CASE("store_actor: new tasks alone, and other failures, are not tried again", "[actors]") {
  const auto store = std::make_shared<TightStore>();
  store->room = 50;
  CHECK(summary(write(store, inserts(9))) == "FFFFFFFFF");
  CHECK(store->commits == 1);
  store->room = 1000;
  store->fail_next_commit(make_error(ErrorCode::store_failed, "broken"), 1);
  CHECK(summary(write(store, {insert(1), cancel(1)})) == "xx");
  CHECK(store->commits == 2);
}

TEST_CASE("store_actor: the commits that a batch can become are bounded", "[actors]") {
  const auto store = std::make_shared<TightStore>();
  std::vector<StoreOp> ops;
  for (std::size_t count = 0; count < actors::batch_ops_max; ++count) {
    ops.emplace_back(cancel(static_cast<std::uint8_t>(count), 2000));
  }
  const auto answers = write(store, std::move(ops));
  CHECK(summary(answers) == std::string(actors::batch_ops_max, 'F'));
  CHECK(store->commits == 127);
}

TEST_CASE("store_actor: a filled LMDB store still finishes tasks with small answers", "[actors]") {
  std::string folder = "/tmp/signalbox-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  {
    persistence::LmdbTaskStore::Options options;
    options.path = folder + "/store";
    options.map_size_bytes = std::size_t{16} << 20U;
    const std::shared_ptr<TaskStore> store = persistence::LmdbTaskStore::open(options).value();
    std::vector<StoreOp> ops;
    for (std::uint8_t number = 1; number <= 60; ++number) {
      ops.emplace_back(insert(number, 250'000));
    }
    const std::string filled = summary(write(store, std::move(ops)));
    REQUIRE(filled.starts_with("aaaaaaaaaaaaaaaaaaaaaaaa"));
    REQUIRE(filled.ends_with("F"));
    const auto answers = write(store, {cancel(1, 10), cancel(2, 6'000'000), cancel(3, 100),
                                       insert(70, 250'000), cancel(4, 1000), cancel(5)});
    CHECK(summary(answers) == "aFaFaa");
  }
  std::filesystem::remove_all(folder);
}

}  // namespace signalbox::testing
