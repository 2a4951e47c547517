// The memory for request bodies that have not come whole, over all connections: nothing has looked
// at their keys yet, so nothing but this bounds what strangers make the daemon hold.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace signalbox::http {

class BodyBudget {
 public:
  /// Of each body the first bytes are free, so that ordinary requests pass while uploads have used
  /// up the rest. Unit: bytes.
  static constexpr std::size_t free_bytes = 16 * 1024;

  /// @param bytes_max of all bodies beyond their free bytes.
  explicit BodyBudget(std::size_t bytes_max) : x_bytes_max(bytes_max) {}

  /// What one body counts for. Has one user at a time.
  class Share {
   public:
    explicit Share(BodyBudget& budget) : x_budget(budget) {}
    ~Share() { give_back(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// @param size of the body so far.
    /// @returns false, and then counts what it did before, when that is more than there is room
    /// for.
    [[nodiscard]] bool resize(std::size_t size) {
      const std::size_t wanted = size - std::min(size, free_bytes);
      if (wanted > x_bytes && !x_budget.take(wanted - x_bytes)) return false;
      if (wanted < x_bytes) x_budget.x_bytes -= x_bytes - wanted;
      x_bytes = wanted;
      return true;
    }

    void give_back() {
      x_budget.x_bytes -= x_bytes;
      x_bytes = 0;
    }

   private:
    BodyBudget& x_budget;
    std::size_t x_bytes = 0;
  };

 private:
  bool take(std::size_t size) {
    if (x_bytes.fetch_add(size) + size <= x_bytes_max) return true;
    x_bytes -= size;
    return false;
  }

  const std::size_t x_bytes_max;
  std::atomic<std::size_t> x_bytes = 0;
};

}  // namespace signalbox::http
