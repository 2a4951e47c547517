// Threads for requests in progress, as many as there are, each for as long as it likes. A job never
// waits behind another: it gets an idle thread, else a new one, else it is refused.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <vector>

#include "http/edge/thread.hpp"

namespace signalbox::http {

struct WorkerPoolOptions {
  std::size_t threads_max = 4096;
  /// A thread without work for so long ends.
  std::chrono::milliseconds idle_timeout{5'000};
};

class WorkerPool {
 public:
  using Job = std::function<void()>;

  explicit WorkerPool(WorkerPoolOptions options) : x_options(options) {}
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs `job`, which must not throw, on a thread of its own, at once.
  /// @returns false when all threads are busy and there can be no other (bound reached, system out
  /// of threads, stopped).
  bool submit(Job job);

  /// Lets jobs end, joins all threads. Nothing is taken afterwards.
  void stop();

  [[nodiscard]] std::size_t thread_count() const;

 private:
  struct Worker {
    Thread thread;
    /// What it runs next; empty while it is idle.
    Job job;
    std::condition_variable job_given;
  };
  using Workers = std::list<Worker>;

  bool start_worker(Job job);
  void work(Workers::iterator self);
  bool wait_for_job(std::unique_lock<std::mutex>& lock, Worker& self);

  const WorkerPoolOptions x_options;
  mutable std::mutex x_mutex;
  std::condition_variable x_worker_ended;
  Workers x_workers;
  /// Ended, to be joined by whoever comes next.
  Workers x_ended;
  /// The last to become idle is the first to be given work: its cache is warm, and the others get
  /// old enough to end.
  std::vector<Worker*> x_idle;
  bool x_stopping = false;
};

}  // namespace signalbox::http
