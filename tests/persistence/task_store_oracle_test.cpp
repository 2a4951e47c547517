// Goal: no sequence of batches takes a store away from the contract. Method: random operations on
// few ids, so that they meet, against an oracle that says in the plainest way what must come out;
// restarts and recoveries in between. The oracle has its own copy of the rules on purpose. A
// failure prints its seed.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "persistence/store_rules.hpp"
#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

using Outcome = StoreResult::Outcome;
using enum TaskState;

constexpr std::uint64_t id_count = 25;
constexpr std::uint32_t max_attempts = 4;

struct OracleRow {
  Task task;
  std::string request;
  std::string response = "(none)";
};

class Oracle {
 public:
  // None are drawn: they touch no task, and call_rows_test.cpp has them.
  static Outcome apply(const PutCallRows&) { return Outcome::applied; }
  static Outcome apply(const DeleteCallRows&) { return Outcome::applied; }

  Outcome apply(const InsertTask& op) {
    if (rows.contains(op.task->id)) return Outcome::conflict;
    for (const auto& [id, row] : rows) {
      if (!op.task->idempotency_hash.empty() &&
          row.task.idempotency_hash == op.task->idempotency_hash) {
        return Outcome::conflict;
      }
    }
    rows[op.task->id] = {*op.task, *op.request};
    return Outcome::applied;
  }

  Outcome apply(const MoveTask& op) {
    const auto found = rows.find(op.id);
    if (found == rows.end()) return Outcome::missing;
    Task& task = found->second.task;
    static const std::set<std::pair<TaskState, TaskState>> legal{
        {pending, claimed},          {pending, TaskState::error}, {pending, cancelled},
        {claimed, pending},          {claimed, claimed},          {claimed, running},
        {claimed, completed},        {claimed, TaskState::error}, {claimed, cancelled},
        {running, pending},          {running, claimed},          {running, completed},
        {running, TaskState::error}, {running, cancelled}};
    if (!op.from.contains(task.state) || !legal.contains({task.state, op.to})) {
      return Outcome::conflict;
    }
    if (op.epoch != 0 && op.epoch != task.epoch) return Outcome::conflict;
    // Times of a row never go back, whatever the machine's clock does.
    WallTime at = std::max({op.at, task.created_at, task.claimed_at, task.stream_started_at});
    for (const Attempt& attempt : task.attempt_log) at = std::max(at, attempt.ended_at);
    task.state = op.to;
    if (op.to != running) close_attempt(task, op, at);
    if (op.to == claimed) {
      task.claimed_by = op.claimed_by;
      task.backend = op.backend;
      task.epoch = op.new_epoch;
      task.claimed_at = at;
      task.stream_started_at = {};
      task.attempts += 1;
      task.attempt_log.push_back({task.attempts,
                                  op.backend,
                                  op.claimed_by,
                                  at,
                                  {},
                                  Attempt::Outcome::open,
                                  ErrorCode::none});
      if (task.attempt_log.size() > 16) task.attempt_log.erase(task.attempt_log.begin());
    } else if (op.to == running) {
      task.stream_started_at = at;
    } else if (op.to == pending) {
      task.claimed_by = "";
      task.backend = "";
      task.epoch = 0;
      task.claimed_at = {};
      task.stream_started_at = {};
      task.losses += op.lost ? 1 : 0;
      task.preemptions += op.preempted ? 1 : 0;
    } else {
      task.completed_at = at;
      task.error_code = op.error_code;
      task.error_message = op.error_message;
      task.backend_status = op.backend_status;
      task.response_type = op.response_type;
      if (op.response) found->second.response = *op.response;
    }
    return Outcome::applied;
  }

  Outcome apply(const DeleteTask& op) {
    const auto found = rows.find(op.id);
    if (found == rows.end()) return Outcome::missing;
    if (found->second.task.state < completed) return Outcome::conflict;
    rows.erase(found);
    return Outcome::applied;
  }

  Outcome apply(const PutDocument& op) {
    documents[op.name] = op.value;
    return Outcome::applied;
  }

  void recover() {
    for (auto& [id, row] : rows) {
      Task& task = row.task;
      if (task.state != claimed && task.state != running) continue;
      MoveTask stop;
      stop.at = at_ms(9000);
      stop.error_code = ErrorCode::worker_lost;
      std::uint32_t blameless = task.preemptions;
      for (const Attempt& attempt : task.attempt_log) {
        const bool is_clean = attempt.error_code == ErrorCode::none;
        if (attempt.outcome == Attempt::Outcome::returned && is_clean) ++blameless;
      }
      const bool is_used_up = task.attempts - blameless >= max_attempts;
      if (is_used_up) stop.to = TaskState::error;
      close_attempt(task, stop, stop.at);
      if (is_used_up) {
        task.state = TaskState::error;
        task.error_code = ErrorCode::worker_lost;
        task.completed_at = at_ms(9000);
        continue;
      }
      task.state = pending;
      task.claimed_by = "";
      task.backend = "";
      task.epoch = 0;
      task.claimed_at = {};
      task.stream_started_at = {};
    }
  }

  std::map<TaskId, OracleRow> rows;
  std::map<std::string, std::string> documents;

 private:
  static void close_attempt(Task& task, const MoveTask& op, WallTime at) {
    using enum Attempt::Outcome;
    for (Attempt& attempt : task.attempt_log) {
      if (attempt.outcome != open) continue;
      attempt.ended_at = at;
      attempt.error_code = op.error_code;
      if (op.to == pending) attempt.outcome = op.lost ? lost : returned;
      if (op.to == pending && op.preempted) attempt.outcome = preempted;
      if (op.to == claimed || op.to == TaskState::error) attempt.outcome = failed;
      if (op.to == TaskState::completed) attempt.outcome = Attempt::Outcome::completed;
      if (op.to == TaskState::cancelled) attempt.outcome = Attempt::Outcome::cancelled;
    }
  }
};

class RandomOps {
 public:
  explicit RandomOps(std::uint64_t seed) : x_random_{seed} {}

  std::uint64_t below(std::uint64_t bound) { return x_random_() % bound; }

  std::vector<StoreOp> batch() {
    std::vector<StoreOp> ops;
    for (std::uint64_t left = below(12) + 1; left > 0; --left) ops.push_back(next());
    return ops;
  }

 private:
  StoreOp next() {
    const std::uint64_t number = below(id_count);
    const std::uint64_t kind = below(20);
    if (kind < 5) return new_task(number);
    if (kind < 7) return DeleteTask{task_id(number)};
    if (kind == 7) {
      return PutDocument{"doc", std::to_string(below(4)), std::string(below(3), 'v')};
    }
    return move(number);
  }

  StoreOp new_task(std::uint64_t number) {
    Task task = make_task(number);
    task.pool = std::to_string(below(3));
    task.owner = std::to_string(below(3));
    task.priority = all_priorities[below(3)];
    if (below(2) == 0) task.idempotency_hash = "key" + std::to_string(below(8));
    return insert(task, std::string(below(4) == 0 ? 5000 : 50, static_cast<char>(below(26) + 97)));
  }

  StoreOp move(std::uint64_t number) {
    MoveTask move;
    move.id = task_id(number);
    move.from.bits = below(3) == 0 ? static_cast<std::uint8_t>(below(64)) : std::uint8_t{63};
    if (below(3) == 0) move.epoch = below(4) + 1;
    move.to = static_cast<TaskState>(below(10) < 6 ? below(3) : below(task_state_count));
    move.claimed_by = "worker-" + std::to_string(below(3));
    move.backend = "llm-" + std::to_string(below(3));
    move.new_epoch = below(4) + 1;
    move.at = at_ms(static_cast<std::int64_t>(below(1000)));
    move.lost = below(2) == 0;
    move.preempted = !move.lost && below(2) == 0;
    if (is_terminal(move.to)) {
      if (below(4) != 0) move.response = make_bytes(std::string(below(3000), 'r'));
      move.response_type = "t";
    }
    if (move.to != completed && below(2) == 0) move.error_code = ErrorCode::backend_error;
    return move;
  }

  std::mt19937_64 x_random_;
};

/// The message of a task that recovery ended is for people; the oracle does not know it.
Task without_message(Task task) {
  if (task.error_code == ErrorCode::worker_lost) task.error_message.clear();
  return task;
}

void require_same_batch(TaskStore& store, Oracle& oracle, const std::vector<StoreOp>& ops) {
  const auto results = store.commit(ops);
  REQUIRE(results.size() == ops.size());
  for (std::size_t index = 0; index < ops.size(); ++index) {
    const Outcome expected =
        std::visit([&](const auto& op) { return oracle.apply(op); }, ops[index]);
    INFO("operation " << index << " of kind " << ops[index].index());
    REQUIRE(results[index].outcome == expected);
    if (const auto* move = std::get_if<MoveTask>(&ops[index]);
        move != nullptr && expected != Outcome::missing) {
      REQUIRE(without_message(*results[index].task) ==
              without_message(oracle.rows.at(move->id).task));
    }
  }
}

void require_same_lists(const TaskStore& store, const Oracle& oracle) {
  for (const char* name : {"", "0", "1", "2"}) {
    for (const std::vector<TaskState>& states :
         {std::vector<TaskState>{}, {pending}, {claimed, running}, {completed}}) {
      TaskQuery by_pool;
      by_pool.pool = name;
      by_pool.states = states;
      by_pool.limit = 3;
      TaskQuery by_owner = by_pool;
      by_owner.pool = "";
      by_owner.owner = name;
      for (const TaskQuery& query : {by_pool, by_owner}) {
        std::vector<std::uint64_t> expected;
        for (const auto& [id, row] : oracle.rows) {
          if (matches(query, row.task)) expected.insert(expected.begin(), number_of(id));
        }
        REQUIRE(list_all(store, query) == expected);
      }
    }
  }
}

void require_same_stale(const TaskStore& store, const Oracle& oracle, std::uint64_t before) {
  std::map<std::pair<std::string, Priority>, std::vector<std::uint64_t>> queues;
  for (const auto& [id, row] : oracle.rows) {
    if (row.task.state != pending || number_of(id) >= before) continue;
    const auto& log = row.task.attempt_log;
    if (!log.empty() && log.back().ended_at >= task_id(before).created_at()) continue;
    queues[{row.task.pool, row.task.priority}].push_back(number_of(id));
  }
  std::vector<std::uint64_t> expected;
  for (const auto& [queue, numbers] : queues) {
    expected.insert(expected.end(), numbers.begin(), numbers.end());
  }
  const WallTime time = task_id(before).created_at();
  REQUIRE(numbers_of(must(store.stale_pending(time, 1000))) == expected);
  expected.resize(std::min<std::size_t>(expected.size(), 3));
  REQUIRE(numbers_of(must(store.stale_pending(time, 3))) == expected);
}

template <class Fixture>
void require_same_state(Fixture& fixture, const Oracle& oracle) {
  TaskStore& store = fixture.store();
  for (std::uint64_t number = 0; number < id_count; ++number) {
    const auto task = load(store, number);
    const auto expected = oracle.rows.find(task_id(number));
    REQUIRE(task.has_value() == (expected != oracle.rows.end()));
    const OracleRow nothing{{}, "(none)", "(none)"};
    const OracleRow& row = task ? expected->second : nothing;
    REQUIRE((!task || without_message(*task) == without_message(row.task)));
    REQUIRE((body(store, number, BodyKind::request) == row.request));
    REQUIRE((body(store, number, BodyKind::response) == row.response));
    if (!task || task->idempotency_hash.empty()) continue;
    REQUIRE(must(store.find_idempotent(task->idempotency_hash))->id == task->id);
  }
  require_same_lists(store, oracle);
  std::vector<std::pair<std::string, std::string>> documents;
  for (const auto& [name, value] : oracle.documents) {
    if (!value.empty()) documents.emplace_back(name, value);
  }
  REQUIRE(must(store.documents("doc")) == documents);
  std::size_t finished = 0;
  for (const auto& [id, row] : oracle.rows) finished += is_terminal(row.task.state) ? 1 : 0;
  REQUIRE(must(store.finished_before(at_ms(100000), 1000)).size() == finished);
  for (const std::uint64_t before : {std::uint64_t{0}, id_count / 3, id_count}) {
    require_same_stale(store, oracle, before);
  }
  fixture.require_sound();
}

void recover_both(TaskStore& store, Oracle& oracle) {
  const auto visited = pending_after_recovery(store, max_attempts);
  // The message and cleared fields of an ended task come from the move; both sides agree on the
  // rest.
  oracle.recover();
  std::vector<std::uint64_t> expected;
  for (const auto& [id, row] : oracle.rows) {
    if (row.task.state == pending) expected.push_back(number_of(id));
  }
  REQUIRE(visited == expected);
}

}  // namespace

TEMPLATE_TEST_CASE("task_store: random batches agree with the oracle", "[persistence]",
                   MemoryFixture, LmdbFixture) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    TestType fixture;
    Oracle oracle;
    RandomOps random{seed};
    for (int round = 0; round < 200; ++round) {
      require_same_batch(fixture.store(), oracle, random.batch());
      if (random.below(10) == 0) require_same_state(fixture, oracle);
      if (random.below(25) == 0) {
        fixture.reopen();
        require_same_state(fixture, oracle);
        if (random.below(2) == 0) recover_both(fixture.store(), oracle);
      }
    }
    require_same_state(fixture, oracle);
  }
}

}  // namespace signalbox::persistence::test
