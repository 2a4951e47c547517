// Read transactions kept for reuse: renewing one costs a fraction of making one, and no reader ever
// waits for another or for the writer. A snapshot that is held keeps LMDB from reusing any page
// freed since, so the file grows: hold one for one answer, never across a wait.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "persistence/lmdb.hpp"

namespace signalbox::persistence {

class LmdbReaderPool {
 public:
  /// What was committed when it was taken. Goes back to its pool at its end.
  class Snapshot {
   public:
    Snapshot(LmdbReaderPool& pool, lmdb::Transaction transaction)
        : x_pool_{&pool}, x_transaction_{std::move(transaction)} {}
    Snapshot(Snapshot&& other) noexcept
        : x_pool_{std::exchange(other.x_pool_, nullptr)},
          x_transaction_{std::move(other.x_transaction_)} {}
    Snapshot& operator=(Snapshot&&) = delete;
    ~Snapshot() {
      if (x_pool_ != nullptr) x_pool_->give_back(std::move(x_transaction_));
    }

    [[nodiscard]] const lmdb::Transaction& operator*() const { return x_transaction_; }
    [[nodiscard]] const lmdb::Transaction* operator->() const { return &x_transaction_; }

   private:
    LmdbReaderPool* x_pool_;
    lmdb::Transaction x_transaction_;
  };

  /// @param environment outlives the pool.
  explicit LmdbReaderPool(const lmdb::Environment& environment) : x_environment_{environment} {}

  /// Thread-safe. @returns store_failed when more readers than the environment has slots are at
  /// work.
  Result<Snapshot> snapshot();

 private:
  // More idle ones than threads read at a time would only take slots.
  static constexpr std::size_t idle_max = 32;

  Result<lmdb::Transaction> begin();
  void give_back(lmdb::Transaction transaction);

  const lmdb::Environment& x_environment_;
  std::mutex x_mutex_;
  std::vector<lmdb::Transaction> x_idle_;
};

}  // namespace signalbox::persistence
