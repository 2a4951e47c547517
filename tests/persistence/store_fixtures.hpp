// What the store tests share: a directory of their own, tasks and operations in few words, and the
// two stores under one interface, so that one contract suite runs over both.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/ports.hpp"
#include "persistence/lmdb_task_store.hpp"
#include "persistence/memory_task_store.hpp"

namespace signalbox::persistence::test {

/// A fresh directory under /tmp, removed with all in it at the end.
class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();

  [[nodiscard]] const std::string& path() const { return x_path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const {
    return x_path_ + "/" + std::string{name};
  }

 private:
  std::string x_path_;
};

WallTime at_ms(std::int64_t ms);

/// Rising with `number`, which is also its time after that of task 0. Unit of that: ms.
TaskId task_id(std::uint64_t number);

/// A pending task of pool "chat" and owner "alice", made at time `number`.
Task make_task(std::uint64_t number);

InsertTask insert(Task task, std::string request = "{}");
InsertTask insert(std::uint64_t number);
MoveTask claim(std::uint64_t number, Epoch epoch, std::string by = "worker-1");
MoveTask run(std::uint64_t number, Epoch epoch);
MoveTask give_back(std::uint64_t number, Epoch epoch, bool lost);
MoveTask complete(std::uint64_t number, Epoch epoch, std::string response = "done");
MoveTask fail(std::uint64_t number, Epoch epoch);
MoveTask cancel(std::uint64_t number);

/// @returns the value; fails the test when there is an error instead.
template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Commits one operation alone.
StoreResult commit_one(TaskStore& store, StoreOp op);
/// Commits, and requires every operation to be applied.
void commit_all(TaskStore& store, const std::vector<StoreOp>& ops);

/// Each requires that the store can be read.
std::optional<Task> load(const TaskStore& store, std::uint64_t number);
/// "(none)" when there is no such body.
std::string body(const TaskStore& store, std::uint64_t number, BodyKind kind);
/// All pages of the query, by number of task.
std::vector<std::uint64_t> list_all(const TaskStore& store, TaskQuery query);
std::vector<std::uint64_t> pending_after_recovery(TaskStore& store, std::uint32_t max_attempts = 3);

std::uint64_t number_of(TaskId id);
std::vector<std::uint64_t> numbers_of(const std::vector<TaskId>& ids);

struct MemoryFixture {
  TaskStore& store() { return x_store_; }
  void reopen() { x_store_.reopen(); }
  void require_sound() const {}

 private:
  MemoryTaskStore x_store_;
};

class LmdbFixture {
 public:
  LmdbFixture() : LmdbFixture{std::size_t{1} << 30U} {}
  explicit LmdbFixture(std::size_t map_size_bytes) : x_map_size_bytes_{map_size_bytes} { open(); }

  TaskStore& store() { return *x_store_; }
  LmdbTaskStore& lmdb() { return *x_store_; }
  void close() { x_store_.reset(); }
  void open();
  void reopen() {
    close();
    open();
  }
  [[nodiscard]] LmdbTaskStore::Options options() const;
  [[nodiscard]] std::string data_file() const;
  /// Every record, body and index agrees with the others.
  void require_sound() const;

 private:
  TempDirectory x_directory_;
  std::size_t x_map_size_bytes_;
  std::unique_ptr<LmdbTaskStore> x_store_;
};

}  // namespace signalbox::persistence::test
