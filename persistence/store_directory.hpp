// The directory a store lives in: one process at a time, and a database that is there whole or not
// at all.
//
//   <path>/lock              held with flock() while the store is open; holds the pid of who has it
//   <path>/database/         data.mdb and lock.mdb of LMDB
//   <path>/database.new/     a database being made; left over only by a stop meanwhile
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "core/base/error.hpp"

namespace signalbox::persistence {

class StoreDirectory {
 public:
  /// Makes the directory if it is not there, and takes its lock.
  /// @returns store_failed when another process has it, when it is no directory, or when it is on a
  /// network file system, where neither the lock nor the memory map can be trusted.
  static Result<StoreDirectory> open(const std::string& path);

  StoreDirectory(StoreDirectory&& other) noexcept;
  StoreDirectory& operator=(StoreDirectory&&) = delete;
  ~StoreDirectory();

  [[nodiscard]] const std::string& path() const { return x_path_; }
  [[nodiscard]] std::string database() const { return x_path_ + "/database"; }

  /// Makes the database unless it is there: `fill` writes one into the empty directory it is given
  /// and closes it; then everything is synced and put in place by one rename. LMDB writes the first
  /// pages of a new file without a sync, so a machine that stops in that moment would leave a file
  /// that nobody can open.
  /// @returns store_failed also when the directory of the database is there but its file is not:
  /// that is no new store.
  Result<void> ensure_database(const std::function<Result<void>(const std::string&)>& fill) const;

  /// Makes the database file at least `bytes` long. Reading a mapped page behind the end of a file
  /// that was cut short would kill the process; the zeros that are read instead are recognised as
  /// damage.
  /// @returns whether the file was shorter.
  [[nodiscard]] Result<bool> extend_database(std::size_t bytes) const;

  /// Asks the disk for blocks for the first `bytes` of the database file; they stay with it.
  /// @returns store_full when there are none, store_failed when that cannot be known.
  [[nodiscard]] Result<void> allocate_database(std::size_t bytes) const;

 private:
  StoreDirectory(std::string path, int lock) : x_path_{std::move(path)}, x_lock_{lock} {}

  std::string x_path_;
  int x_lock_ = -1;
};

}  // namespace signalbox::persistence
