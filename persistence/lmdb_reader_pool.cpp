#include "persistence/lmdb_reader_pool.hpp"

#include <optional>

namespace signalbox::persistence {

namespace {

/// Each try fails only if a commit ends within the microsecond it takes.
constexpr int tries_max = 16;

}  // namespace

Result<LmdbReaderPool::Snapshot> LmdbReaderPool::snapshot() {
  auto transaction = begin();
  for (int tries = 1; transaction && tries < tries_max; ++tries) {
    if (!x_environment_.is_overtaken(*transaction)) break;
    transaction->reset();
    if (auto renewed = transaction->renew(); !renewed) return renewed.error();
  }
  if (!transaction) return transaction.error();
  return Snapshot{*this, std::move(*transaction)};
}

Result<lmdb::Transaction> LmdbReaderPool::begin() {
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
    return std::move(*idle);
  }
  return x_environment_.begin_read();
}

void LmdbReaderPool::give_back(lmdb::Transaction transaction) {
  transaction.reset();
  const std::lock_guard lock{x_mutex_};
  if (x_idle_.size() < idle_max) x_idle_.push_back(std::move(transaction));
}

}  // namespace signalbox::persistence
