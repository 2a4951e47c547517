// Blocking calls to backends, each on a thread of its own while it lasts, with a number by which
// another thread can end it. Idle calls cost nothing: one housekeeper stands for all.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "http/edge/elastic_threads.hpp"
#include "http/upstream/cancellation.hpp"

namespace signalbox::http {

class CallThreads {
 public:
  using Job = ElasticThreads::Job;
  /// Blocks until the call's end. @returns what is to be done once the call is no longer counted:
  /// handing over its last event, which may start the next call.
  using Call = std::function<Job(Cancellation&)>;

  /// @param calls_max at once. @param keep_house run every two seconds by the housekeeper; null =
  /// there is nothing to keep.
  explicit CallThreads(std::size_t calls_max, Job keep_house = nullptr);
  /// @pre not called from a call.
  ~CallThreads() { stop(); }
  CallThreads(const CallThreads&) = delete;
  CallThreads& operator=(const CallThreads&) = delete;

  /// Returns at once. @param refused run instead when there are `calls_max` already, when no thread
  /// can be made, and after stop(). @returns a number that cancel() takes; never 0.
  std::uint64_t start(Call call, Job refused);
  /// Unknown numbers are ignored.
  void cancel(std::uint64_t number);
  /// Cancels what runs and waits for its end. @pre not called from a call.
  void stop();

  /// Calls in progress.
  [[nodiscard]] std::size_t count() const;

 private:
  void leave(std::uint64_t number);
  /// Runs a short job on the housekeeper.
  void run_aside(Job job);
  bool has_housekeeper();
  void be_housekeeper();

  const std::size_t x_calls_max;
  const Job x_keep_house;
  mutable std::mutex x_mutex;
  std::uint64_t x_next_number = 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<Cancellation>> x_running;
  std::condition_variable x_aside_or_stop;
  std::deque<Job> x_aside;
  bool x_is_stopping = false;
  bool x_has_housekeeper = false;
  // Last, so that they end first.
  std::optional<ElasticThreads> x_threads;
  std::optional<ElasticThreads> x_housekeeper;
};

}  // namespace signalbox::http
