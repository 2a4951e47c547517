#include "persistence/lmdb_reader_pool.hpp"

#include <optional>

namespace signalbox::persistence {

Result<LmdbReaderPool::Snapshot> LmdbReaderPool::snapshot() {
  std::optional<lmdb::Transaction> idle;
  {
    const std::lock_guard lock{x_mutex_};
    if (!x_idle_.empty()) {
      idle = std::move(x_idle_.back());
      x_idle_.pop_back();
    }
  }
  if (idle) {
    if (auto renewed = idle->renew(); !renewed) return renewed.error();
    return Snapshot{*this, std::move(*idle)};
  }
  auto fresh = x_environment_.begin_read();
  if (!fresh) return fresh.error();
  return Snapshot{*this, std::move(*fresh)};
}

void LmdbReaderPool::give_back(lmdb::Transaction transaction) {
  transaction.reset();
  const std::lock_guard lock{x_mutex_};
  if (x_idle_.size() < idle_max) x_idle_.push_back(std::move(transaction));
}

}  // namespace signalbox::persistence
