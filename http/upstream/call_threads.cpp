#include "http/upstream/call_threads.hpp"

#include <utility>

namespace signalbox::http {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds thread_idle_time{30'000};
constexpr milliseconds housekeeping_interval{2'000};
/// A call that has ended keeps its thread while its last event starts the next call.
constexpr std::size_t threads_per_call = 2;

}  // namespace

CallThreads::CallThreads(std::size_t calls_max, Job keep_house)
    : x_calls_max(calls_max), x_keep_house(std::move(keep_house)) {
  x_threads.emplace(calls_max * threads_per_call, thread_idle_time);
  x_housekeeper.emplace(1, thread_idle_time);
  const std::scoped_lock lock(x_mutex);
  if (x_keep_house) has_housekeeper();
}

std::uint64_t CallThreads::start(Call call, Job refused) {
  std::uint64_t number = 0;
  {
    const std::scoped_lock lock(x_mutex);
    number = x_next_number++;
    auto cancellation = std::make_shared<Cancellation>();
    const bool started = !x_is_stopping && x_running.size() < x_calls_max &&
                         x_threads->run([this, number, cancellation, call = std::move(call)] {
                           const Job last = call(*cancellation);
                           leave(number);
                           last();
                         });
    if (started) {
      x_running.emplace(number, std::move(cancellation));
      return number;
    }
  }
  run_aside(std::move(refused));
  return number;
}

void CallThreads::leave(std::uint64_t number) {
  const std::scoped_lock lock(x_mutex);
  x_running.erase(number);
}

void CallThreads::cancel(std::uint64_t number) {
  std::shared_ptr<Cancellation> cancellation;
  {
    const std::scoped_lock lock(x_mutex);
    const auto found = x_running.find(number);
    if (found == x_running.end()) return;
    cancellation = found->second;
  }
  cancellation->cancel();
}

void CallThreads::stop() {
  {
    const std::scoped_lock lock(x_mutex);
    x_is_stopping = true;
    for (const auto& [number, cancellation] : x_running) cancellation->cancel();
    x_aside_or_stop.notify_all();
  }
  // Each waits for its jobs; those of the calls may still leave some to the housekeeper.
  x_threads.reset();
  x_housekeeper.reset();
}

std::size_t CallThreads::count() const {
  const std::scoped_lock lock(x_mutex);
  return x_running.size();
}

// -- the housekeeper ------------------------------------------------------------------------------

void CallThreads::run_aside(Job job) {
  {
    const std::scoped_lock lock(x_mutex);
    if (has_housekeeper()) {
      x_aside.push_back(std::move(job));
      x_aside_or_stop.notify_one();
      return;
    }
  }
  // Not even one thread could be made: better from the caller's thread than never.
  job();
}

/// @pre x_mutex is held.
bool CallThreads::has_housekeeper() {
  if (!x_has_housekeeper && !x_is_stopping)
    x_has_housekeeper = x_housekeeper->run([this] { be_housekeeper(); });
  return x_has_housekeeper;
}

void CallThreads::be_housekeeper() {
  std::unique_lock lock(x_mutex);
  const auto roused = [this] { return x_is_stopping || !x_aside.empty(); };
  while (!x_is_stopping || !x_aside.empty()) {
    if (x_keep_house) {
      x_aside_or_stop.wait_for(lock, housekeeping_interval, roused);
    } else {
      x_aside_or_stop.wait(lock, roused);
    }
    std::deque<Job> jobs = std::exchange(x_aside, {});
    lock.unlock();
    for (const Job& job : jobs) job();
    if (x_keep_house) x_keep_house();
    lock.lock();
  }
  x_has_housekeeper = false;
}

}  // namespace signalbox::http
