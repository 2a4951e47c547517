// Keeps a slot by renewing its lease, and tells when it is lost.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cli/slot/slot_client.hpp"

namespace signalbox::cli {

class SlotLease {
 public:
  /// From now on the lease is renewed each third of its length; when the daemon does not answer,
  /// each second. @param on_lost called once, from another thread, when the slot is lost; loss() is
  /// set by then.
  SlotLease(const ApiClient& client, HeldSlot slot, std::function<void()> on_lost);
  /// Renews no more.
  ~SlotLease();
  SlotLease(const SlotLease&) = delete;
  SlotLease& operator=(const SlotLease&) = delete;

  /// @returns why the slot is lost, for the user, or nothing while it is held.
  [[nodiscard]] std::optional<std::string> loss() const;

 private:
  using Clock = std::chrono::steady_clock;

  void keep();
  /// Renews once. @returns why the slot is lost, or nothing.
  std::optional<std::string> renew();

  const ApiClient& x_client;
  const HeldSlot x_slot;
  const std::function<void()> x_on_lost;
  const Clock::time_point x_begin = Clock::now();
  // The thread's own.
  Clock::time_point x_good_until = x_begin + x_slot.lease;
  Clock::time_point x_next = x_begin + x_slot.lease / 3;

  mutable std::mutex x_mutex;
  std::condition_variable x_news;
  bool x_is_over = false;
  std::optional<std::string> x_loss;
  // Last: it uses all of the above.
  std::thread x_thread;
};

}  // namespace signalbox::cli
