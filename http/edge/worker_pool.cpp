#include "http/edge/worker_pool.hpp"

#include <algorithm>
#include <utility>

namespace signalbox::http {

bool WorkerPool::submit(Job job) {
  Workers ended;  // joined after the lock is gone
  const std::lock_guard lock(x_mutex);
  ended.swap(x_ended);
  if (x_stopping) return false;
  if (x_idle.empty()) return start_worker(std::move(job));
  Worker* const worker = x_idle.back();
  x_idle.pop_back();
  worker->job = std::move(job);
  worker->job_given.notify_one();
  return true;
}

/// @pre the mutex is held, so the new thread sees its own entry complete.
bool WorkerPool::start_worker(Job job) {
  if (x_workers.size() >= x_options.threads_max) return false;
  const auto worker = x_workers.emplace(x_workers.end());
  worker->job = std::move(job);
  if (worker->thread.start("http-worker", [this, worker] { work(worker); })) return true;
  x_workers.erase(worker);
  return false;
}

void WorkerPool::work(Workers::iterator self) {
  std::unique_lock lock(x_mutex);
  while (self->job || wait_for_job(lock, *self)) {
    Job job = std::exchange(self->job, nullptr);
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  x_ended.splice(x_ended.end(), x_workers, self);
  x_worker_ended.notify_all();
}

/// @returns false when the worker is to end.
bool WorkerPool::wait_for_job(std::unique_lock<std::mutex>& lock, Worker& self) {
  if (x_stopping) return false;
  x_idle.push_back(&self);
  const auto roused = [&] { return self.job || x_stopping; };
  self.job_given.wait_for(lock, x_options.idle_timeout, roused);
  if (self.job) return true;
  std::erase(x_idle, &self);
  return false;
}

void WorkerPool::stop() {
  Workers ended;
  std::unique_lock lock(x_mutex);
  x_stopping = true;
  for (Worker* worker : x_idle) worker->job_given.notify_one();
  x_worker_ended.wait(lock, [&] { return x_workers.empty(); });
  ended.swap(x_ended);
  lock.unlock();
}

std::size_t WorkerPool::thread_count() const {
  const std::lock_guard lock(x_mutex);
  return x_workers.size();
}

}  // namespace signalbox::http
