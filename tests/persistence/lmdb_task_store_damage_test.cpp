// Goal: a full map, a full disk and damaged bytes each cost what they must and no more: nothing
// acknowledged is lost, what frees space still works, and damage is an error for whoever reads it,
// never a crash.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/persistence/store_fixtures.hpp"

namespace signalbox::persistence::test {
namespace {

using Outcome = StoreResult::Outcome;
using enum TaskState;

constexpr std::size_t small_map = std::size_t{16} << 20U;

InsertTask insert_8_kib(std::uint64_t number) {
  return insert(make_task(number), std::string(8192, 'q'));
}

/// Inserts tasks of 8 KiB, 16 a batch and then one by one, until one is refused alone.
/// @returns how many were acknowledged.
std::uint64_t fill(TaskStore& store) {
  std::uint64_t number = 0;
  for (std::size_t batch_size = 16; batch_size > 0;) {
    std::vector<StoreOp> ops;
    for (std::uint64_t more = 1; more <= batch_size; ++more) {
      ops.emplace_back(insert_8_kib(number + more));
    }
    for (const StoreResult& result : store.commit(ops)) {
      if (result.outcome == Outcome::applied) {
        ++number;
        continue;
      }
      REQUIRE(result.error.code == ErrorCode::store_full);
      batch_size = batch_size == 16 ? 1 : 0;
      break;
    }
    REQUIRE(number < 10000);
  }
  return number;
}

/// Commits `make(number)` for each number up to `count`, 32 a batch.
template <class Make>
void commit_each(TaskStore& store, std::uint64_t count, const Make& make) {
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= count; ++number) {
    ops.emplace_back(make(number));
    if (ops.size() < 32 && number < count) continue;
    commit_all(store, ops);
    ops.clear();
  }
}

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::string& path, const std::string& content) {
  std::ofstream{path, std::ios::binary} << content;
}

/// Changes one byte in every place where `text` is in the file, old versions of pages included.
void damage(const std::string& path, const std::string& text) {
  std::string content = read_file(path);
  std::size_t places = 0;
  for (auto at = content.find(text); at != std::string::npos; at = content.find(text, at + 1)) {
    content[at] = static_cast<char>(content[at] ^ 0x20);
    ++places;
  }
  REQUIRE(places > 0);
  write_file(path, content);
}

/// Puts a read-only descriptor in the place of each one that is open on `path`: every write fails.
void make_read_only_behind_its_back(const std::string& path) {
  const int read_only = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(read_only >= 0);
  std::size_t replaced = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    const int descriptor = std::stoi(entry.path().filename());
    std::error_code gone;
    if (descriptor == read_only) continue;
    if (std::filesystem::read_symlink(entry.path(), gone) != path) continue;
    REQUIRE(::dup3(read_only, descriptor, O_CLOEXEC) == descriptor);
    ++replaced;
  }
  ::close(read_only);
  REQUIRE(replaced > 0);
}

/// Lets no file of this process grow beyond `bytes`: writes fail as they do on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes) {
    x_old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &x_old_limit_) == 0);
    const rlimit limit{bytes, x_old_limit_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &x_old_limit_);
    std::signal(SIGXFSZ, x_old_handler_);
  }

 private:
  void (*x_old_handler_)(int) = nullptr;
  rlimit x_old_limit_{};
};

}  // namespace

TEST_CASE("lmdb_task_store: a full map takes no new tasks and finishes the old ones",
          "[persistence]") {
  LmdbFixture fixture{small_map};
  TaskStore& store = fixture.store();
  const std::uint64_t count = fill(store);
  CHECK(count > 600);
  CHECK(std::filesystem::file_size(fixture.data_file()) <= small_map);

  for (std::uint64_t number = 1; number <= count; ++number) {
    REQUIRE(load(store, number)->state == pending);
  }
  // A refused task does not take the rest of its batch along.
  const InsertTask more = insert_8_kib(count + 1);
  const auto mixed = store.commit(std::vector<StoreOp>{claim(1, 7), more, complete(1, 7)});
  CHECK(mixed[0].outcome == Outcome::applied);
  CHECK(mixed[1].error.code == ErrorCode::store_full);
  CHECK_THAT(mixed[1].error.message, Catch::Contains("nearly full"));
  CHECK(mixed[2].outcome == Outcome::applied);

  commit_each(store, count, [](std::uint64_t number) {
    return number == 1 ? StoreOp{PutDocument{"k", "n", "v"}} : StoreOp{claim(number, number)};
  });
  commit_each(store, count, [](std::uint64_t number) {
    return number == 1 ? StoreOp{PutDocument{"k", "n", ""}} : StoreOp{complete(number, number)};
  });
  CHECK(commit_one(store, more).error.code == ErrorCode::store_full);
  commit_each(store, count / 2, [](std::uint64_t number) { return DeleteTask{task_id(number)}; });
  commit_all(store, {more});
  fixture.require_sound();
  fixture.reopen();
  CHECK(load(fixture.store(), count)->state == completed);
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: a batch that does not fit fails whole and harms nothing",
          "[persistence]") {
  LmdbFixture fixture{small_map};
  TaskStore& store = fixture.store();
  const std::uint64_t count = fill(store);
  // Responses eat what is kept back, until a batch meets the end of the map.
  std::uint64_t answered = 0;
  for (; answered < 100; ++answered) {
    const std::uint64_t number = 2 * answered + 1;
    const auto results = store.commit(std::vector<StoreOp>{
        claim(number, 1), complete(number, 1, std::string(1 << 19U, 'r')), cancel(number + 1)});
    if (results[0].outcome == Outcome::applied) continue;
    for (const StoreResult& result : results) {
      CHECK(result.outcome == Outcome::failed);
      CHECK(result.error.code == ErrorCode::store_full);
      CHECK_THAT(result.error.message, Catch::Contains("map_size"));
    }
    break;
  }
  REQUIRE(answered < 100);
  CHECK(load(store, 2 * answered + 1)->state == pending);
  CHECK(load(store, 2 * answered + 2)->state == pending);
  fixture.require_sound();
  // Small terminal moves and deletions go on, and make room again.
  const std::uint64_t ended = 2 * answered;
  commit_each(store, count - ended, [&](std::uint64_t left) { return cancel(ended + left); });
  fixture.reopen();
  commit_each(fixture.store(), count,
              [](std::uint64_t number) { return DeleteTask{task_id(number)}; });
  commit_all(fixture.store(), {insert(make_task(count + 1), std::string(1 << 20U, 'q'))});
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: a full disk fails the batch and is got over", "[persistence]") {
  LmdbFixture fixture;
  TaskStore& store = fixture.store();
  commit_all(store, {insert(1), insert(2), claim(1, 7)});
  {
    const FileSizeLimit limit{std::filesystem::file_size(fixture.data_file()) + 8192};
    const auto results = store.commit(std::vector<StoreOp>{
        insert(make_task(3), std::string(1 << 20U, 'x')), complete(1, 7, "answer")});
    for (const StoreResult& result : results) {
      CHECK(result.outcome == Outcome::failed);
      CHECK(result.error.code == ErrorCode::store_full);
      CHECK_THAT(result.error.message, Catch::Contains("no room left on its disk"));
    }
    CHECK(load(store, 1)->state == claimed);
    CHECK_FALSE(load(store, 3));
  }
  commit_all(store, {insert(make_task(3), std::string(1 << 20U, 'x')), complete(1, 7, "answer")});
  fixture.reopen();
  CHECK(body(fixture.store(), 1, BodyKind::response) == "answer");
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: after a disk that fails the store takes nothing more until reopened",
          "[persistence]") {
  LmdbFixture fixture;
  commit_all(fixture.store(), {insert(1)});
  make_read_only_behind_its_back(fixture.data_file());
  CHECK(commit_one(fixture.store(), insert(2)).error.code == ErrorCode::store_failed);
  CHECK(commit_one(fixture.store(), insert(3)).error.code == ErrorCode::store_failed);
  CHECK(must(fixture.store().load(task_id(1))));
  fixture.reopen();
  CHECK(load(fixture.store(), 1));
  commit_all(fixture.store(), {insert(2)});
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: a damaged record is its own task's error only", "[persistence]") {
  LmdbFixture fixture;
  Task marked = make_task(2);
  marked.request_id = "MARK-IN-THE-RECORD";
  marked.idempotency_hash = "key";
  commit_all(fixture.store(), {insert(1), insert(marked), insert(3), claim(2, 7), claim(3, 8)});
  fixture.close();
  damage(fixture.data_file(), "MARK-IN-THE-RECORD");
  fixture.open();
  TaskStore& store = fixture.store();

  const auto loaded = store.load(task_id(2));
  REQUIRE(loaded.has_error());
  CHECK(loaded.error().code == ErrorCode::store_failed);
  CHECK_THAT(loaded.error().message, Catch::Contains(task_id(2).to_string()));
  CHECK(store.find_idempotent("key").has_error());
  CHECK(list_all(store, {}) == std::vector<std::uint64_t>{3, 1});

  Task same_key = make_task(9);
  same_key.idempotency_hash = "key";
  const auto results = store.commit(std::vector<StoreOp>{
      complete(2, 7), complete(3, 8), DeleteTask{task_id(2)}, insert(2), insert(same_key)});
  CHECK(results[1].outcome == Outcome::applied);
  for (const std::size_t index : {0U, 2U, 3U, 4U}) {
    CHECK(results[index].outcome == Outcome::failed);
    CHECK(results[index].error.code == ErrorCode::store_failed);
  }
  CHECK(pending_after_recovery(store) == std::vector<std::uint64_t>{1});
  CHECK(pending_after_recovery(store) == std::vector<std::uint64_t>{1});
  const auto problems = must(fixture.lmdb().find_problems());
  REQUIRE_FALSE(problems.empty());
  CHECK_THAT(problems.front(), Catch::Contains(task_id(2).to_string()));
}

TEST_CASE("lmdb_task_store: a damaged body is an error and not another body", "[persistence]") {
  LmdbFixture fixture;
  const std::string large =
      std::string(300000, 'a') + "MARK-IN-THE-BODY" + std::string(300000, 'b');
  commit_all(fixture.store(), {insert(make_task(1), large), insert(2),
                               PutDocument{"profile", "p", "MARK-IN-THE-DOCUMENT"}});
  fixture.close();
  damage(fixture.data_file(), "MARK-IN-THE-BODY");
  damage(fixture.data_file(), "MARK-IN-THE-DOCUMENT");
  fixture.open();
  const auto request = fixture.store().load_body(task_id(1), BodyKind::request);
  REQUIRE(request.has_error());
  CHECK_THAT(request.error().message, Catch::Contains("is damaged"));
  CHECK(load(fixture.store(), 1)->state == pending);
  CHECK(body(fixture.store(), 2, BodyKind::request) == "request 2");
  CHECK(fixture.store().documents("profile").has_error());
  CHECK(must(fixture.lmdb().find_problems()).size() == 2);
  // It can still be ended and deleted.
  commit_all(fixture.store(), {cancel(1), DeleteTask{task_id(1)}, PutDocument{"profile", "p", ""}});
  fixture.require_sound();
}

TEST_CASE("lmdb_task_store: flipped bits in values never crash a reader", "[persistence]") {
  LmdbFixture fixture;
  std::vector<StoreOp> ops;
  for (std::uint64_t number = 1; number <= 60; ++number) {
    ops.emplace_back(insert(make_task(number), "REQUEST-BODY"));
  }
  commit_all(fixture.store(), ops);
  fixture.close();
  const std::string whole = read_file(fixture.data_file());
  // Bits of records and bodies, which checksums guard; the links between pages are LMDB's own and
  // unguarded.
  std::mt19937_64 random{11};
  std::vector<std::size_t> places;
  for (const std::string text : {"qwen3-8b", "req-", "reviewer", "REQUEST-BODY"}) {
    for (auto at = whole.find(text); at != std::string::npos; at = whole.find(text, at + 1)) {
      places.push_back(at + random() % text.size());
    }
  }
  for (int round = 0; round < 15; ++round) {
    std::string broken = whole;
    for (int flip = 0; flip < 40; ++flip) {
      char& byte = broken[places[random() % places.size()]];
      byte = static_cast<char>(byte ^ (1 << (random() % 8)));
    }
    write_file(fixture.data_file(), broken);
    fixture.open();
    std::size_t errors = 0;
    for (std::uint64_t number = 1; number <= 60; ++number) {
      const auto task = fixture.store().load(task_id(number));
      if (task) REQUIRE(*task == make_task(number));
      const auto request = fixture.store().load_body(task_id(number), BodyKind::request);
      if (request) REQUIRE(**request == "REQUEST-BODY");
      errors += (task ? 0U : 1U) + (request ? 0U : 1U);
    }
    CHECK(must(fixture.lmdb().find_problems(1000)).size() == errors);
    must(fixture.store().recover(3, at_ms(1), [](const PendingTask&) {}));
    fixture.close();
  }
}

}  // namespace signalbox::persistence::test
