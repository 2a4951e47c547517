// Goal: a broker that is killed at any moment has lost nothing it had acknowledged. Method: a child
// process works on the store and reports each acknowledged step over a pipe; it is killed with
// SIGKILL at random moments, creation and recovery included; the parent opens what is left and
// compares. (The page cache survives a kill, so this is about our transactions and recovery, not
// about fsync.)
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <random>

#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

/// The steps of a task's life, in order. Each is acknowledged by one report.
enum class Step : std::uint64_t { inserted = 1, claimed = 2, completed = 3, deleted = 4 };

struct Report {
  std::uint64_t number = 0;
  Step step = Step::inserted;
};

/// Drives every fresh task through all its steps in batches of different tasks, for ever. Never
/// returns to Catch.
[[noreturn]] void work(const LmdbTaskStore::Options& options, int pipe, std::uint64_t first) {
  auto store = LmdbTaskStore::open(options);
  if (!store) ::_exit(2);
  if (!(*store)->recover(1000, at_ms(1), [](const PendingTask&) {})) ::_exit(3);
  std::uint64_t next = first;
  std::vector<Report> under_way;
  for (;;) {
    std::vector<StoreOp> ops;
    for (Report& task : under_way) {
      task.step = static_cast<Step>(static_cast<std::uint64_t>(task.step) + 1);
      if (task.step == Step::claimed) ops.emplace_back(claim(task.number, task.number));
      if (task.step == Step::completed) {
        ops.emplace_back(complete(task.number, task.number, std::string(task.number % 5000, 'r')));
      }
      if (task.step == Step::deleted) ops.emplace_back(DeleteTask{task_id(task.number)});
    }
    for (std::uint64_t fresh = next % 7; fresh > 0 || ops.empty(); fresh -= fresh > 0 ? 1 : 0) {
      ops.emplace_back(insert(next));
      under_way.push_back({next++, Step::inserted});
    }
    next += next % 7 == 0 ? 1 : 0;
    for (const StoreResult& result : (*store)->commit(ops)) {
      if (result.outcome != StoreResult::Outcome::applied) ::_exit(4);
    }
    for (const Report& report : under_way) {
      if (::write(pipe, &report, sizeof report) != sizeof report) ::_exit(5);
    }
    std::erase_if(under_way, [](const Report& task) {
      return task.step == Step::deleted || (task.step == Step::completed && task.number % 3 != 0);
    });
  }
}

/// When the child is killed.
struct Patience {
  std::chrono::microseconds time;
  /// Counted from the first report; else from the start of the process.
  bool from_first_report = false;
};

/// Collects reports until the child is killed.
std::vector<Report> run_and_kill(const LmdbTaskStore::Options& options, std::uint64_t first,
                                 const Patience& patience) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    work(options, ends[1], first);
  }
  ::close(ends[1]);
  std::string bytes;
  bool killed = false;
  // A child that never reports anything is ended too, and found out by the number of reports.
  constexpr std::chrono::seconds silence_max{5};
  auto deadline = std::chrono::steady_clock::now();
  deadline += patience.from_first_report ? silence_max : patience.time;
  for (;;) {
    if (!killed && std::chrono::steady_clock::now() >= deadline) {
      ::kill(child, SIGKILL);
      killed = true;
    }
    pollfd waiting{ends[0], POLLIN, 0};
    const timespec step{0, 200000};
    if (::ppoll(&waiting, 1, &step, nullptr) <= 0) continue;
    std::array<char, 4096> part{};
    const ssize_t count = ::read(ends[0], part.data(), part.size());
    if (count <= 0) break;
    if (patience.from_first_report && bytes.empty()) {
      deadline = std::chrono::steady_clock::now() + patience.time;
    }
    bytes.append(part.data(), static_cast<std::size_t>(count));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  // Otherwise the child has met an error of its own.
  INFO("exit status " << WEXITSTATUS(status));
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);
  std::vector<Report> reports(bytes.size() / sizeof(Report));
  for (std::size_t index = 0; index < reports.size(); ++index) {
    std::memcpy(&reports[index], bytes.data() + index * sizeof(Report), sizeof(Report));
  }
  return reports;
}

/// @returns the step that the stored state proves.
Step step_of(const std::optional<Task>& task) {
  if (!task) return Step::deleted;
  if (is_terminal(task->state)) return Step::completed;
  return task->state == TaskState::claimed ? Step::claimed : Step::inserted;
}

}  // namespace

TEST_CASE("lmdb_task_store: kill -9 at any moment loses nothing acknowledged", "[persistence]") {
  const TempDirectory directory;
  LmdbTaskStore::Options options;
  options.path = directory / "store";
  options.map_size_bytes = std::size_t{1} << 30U;
  std::mt19937_64 random{4711};
  std::map<std::uint64_t, Step> acknowledged;
  std::uint32_t boots = 0;
  for (std::uint64_t round = 0; round < 25; ++round) {
    INFO("round " << round);
    // The first rounds are short, to fall into the creation of the store and into recovery.
    const bool is_late = round >= 8;
    const std::chrono::microseconds time{random() % (is_late ? 60000 : 4000)};
    const auto reports = run_and_kill(options, (round + 1) * 1000000 + 1, {time, is_late});
    REQUIRE((!is_late || !reports.empty()));
    for (const Report& report : reports) {
      acknowledged[report.number] = report.step;
    }
    auto store = must(LmdbTaskStore::open(options));
    REQUIRE(store->boot_counter() > boots);
    boots = store->boot_counter();
    REQUIRE(must(store->find_problems()) == std::vector<std::string>{});
    for (auto& [number, step] : acknowledged) {
      INFO("task " << number);
      const auto task = load(*store, number);
      REQUIRE(step_of(task) >= step);
      if (task && step == Step::completed) {
        REQUIRE(body(*store, number, BodyKind::response) == std::string(number % 5000, 'r'));
      }
      // The recovery of the next round sends it back.
      if (step == Step::claimed) step = Step::inserted;
    }
  }
  CHECK(acknowledged.size() > 40);
}

}  // namespace signalbox::persistence::test
