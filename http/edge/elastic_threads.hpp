// Threads that come with the work and go without it: a blocking call to a backend needs one of its
// own while it lasts.
#pragma once

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace signalbox::http {

class ElasticThreads {
 public:
  using Job = std::function<void()>;

  /// @param threads_max bound on threads alive. @param idle_time after which a thread without work
  /// ends.
  ElasticThreads(std::size_t threads_max, std::chrono::milliseconds idle_time);
  /// Waits until every job has ended. @pre not called from a job.
  ~ElasticThreads();
  ElasticThreads(const ElasticThreads&) = delete;
  ElasticThreads& operator=(const ElasticThreads&) = delete;

  /// Runs `job` at once, never behind another one. Jobs must not throw.
  /// @returns false, with the job dropped, when all threads are busy and no further one can be
  /// made.
  [[nodiscard]] bool run(Job job);

  [[nodiscard]] std::size_t thread_count() const;

 private:
  static void* enter(void* self);
  void work();
  bool spawn();
  void join_finished();

  const std::size_t x_threads_max;
  const std::chrono::milliseconds x_idle_time;
  mutable std::mutex x_mutex;
  std::condition_variable x_work_or_stop;
  std::condition_variable x_thread_gone;
  /// At most one per idle thread.
  std::deque<Job> x_jobs;
  std::size_t x_threads = 0;
  /// Have given up the lock for good and only need joining.
  std::vector<pthread_t> x_finished;
  std::size_t x_idle = 0;
  bool x_stopping = false;
};

}  // namespace signalbox::http
