#include "cli/slot/slot_lease.hpp"

#include <algorithm>
#include <utility>

namespace signalbox::cli {
namespace {

constexpr std::chrono::milliseconds retry_interval{1000};
constexpr std::chrono::milliseconds patience_min{200};

}  // namespace

SlotLease::SlotLease(const ApiClient& client, HeldSlot slot, std::function<void()> on_lost)
    : x_client{client}, x_slot{std::move(slot)}, x_on_lost{std::move(on_lost)}, x_thread{[this] {
        keep();
      }} {}

SlotLease::~SlotLease() {
  {
    const std::lock_guard lock{x_mutex};
    x_is_over = true;
  }
  x_news.notify_all();
  x_thread.join();
}

std::optional<std::string> SlotLease::loss() const {
  const std::lock_guard lock{x_mutex};
  return x_loss;
}

void SlotLease::keep() {
  const auto inference_end = x_begin + x_slot.inference;
  std::unique_lock lock{x_mutex};
  while (true) {
    // The hard end is asked about when it comes, not with the next renewal.
    const bool ends = x_slot.inference.count() > 0 && Clock::now() < inference_end;
    const auto until = ends ? std::min(x_next, inference_end) : x_next;
    if (x_news.wait_until(lock, until, [this] { return x_is_over; })) return;
    lock.unlock();
    auto lost = renew();
    lock.lock();
    if (!lost) continue;
    x_loss = std::move(lost);
    break;
  }
  lock.unlock();
  x_on_lost();
}

std::optional<std::string> SlotLease::renew() {
  using std::chrono::milliseconds;
  const auto sent = Clock::now();
  const auto left = std::chrono::duration_cast<milliseconds>(x_good_until - sent);
  const auto failure = renew_slot(x_client, x_slot, std::max(left, patience_min));
  if (!failure) {
    x_good_until = sent + x_slot.lease;
    x_next = sent + x_slot.lease / 3;
    return std::nullopt;
  }
  const auto now = Clock::now();
  if (failure->code == "slot_not_found") {
    const bool is_timeout = x_slot.inference.count() > 0 && now >= x_begin + x_slot.inference;
    return std::string{is_timeout ? "its time is over (inference_timeout)"
                                  : "the daemon took it back (lease_expired), or was restarted"};
  }
  if (now >= x_good_until) return "it could not be renewed in time: " + failure->message;
  x_next =
      std::min(now + std::min<Clock::duration>(retry_interval, x_slot.lease / 3), x_good_until);
  return std::nullopt;
}

}  // namespace signalbox::cli
