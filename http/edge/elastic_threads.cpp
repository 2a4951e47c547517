#include "http/edge/elastic_threads.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace signalbox::http {

namespace {

/// cpp-httplib matches status lines with std::regex, which recurses per byte. Unit: bytes;
/// reserved, not used up.
constexpr std::size_t stack_bytes = std::size_t{8} * 1024 * 1024;

/// While a thread is made all signals are blocked, so that the new one inherits that: the daemon's
/// own threads get them, and a write to a dead TLS connection ends no process.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &x_before);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &x_before, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t x_before{};
};

}  // namespace

ElasticThreads::ElasticThreads(std::size_t threads_max, std::chrono::milliseconds idle_time)
    : x_threads_max(threads_max), x_idle_time(idle_time) {}

ElasticThreads::~ElasticThreads() {
  std::unique_lock lock(x_mutex);
  x_stopping = true;
  x_work_or_stop.notify_all();
  x_thread_gone.wait(lock, [this] { return x_threads == 0; });
  join_finished();
}

bool ElasticThreads::run(Job job) {
  {
    const std::scoped_lock lock(x_mutex);
    if (x_stopping) return false;
    if (x_idle <= x_jobs.size() && !spawn()) return false;
    x_jobs.push_back(std::move(job));
  }
  // Without the lock, or the woken thread would wait for it at once.
  x_work_or_stop.notify_one();
  return true;
}

std::size_t ElasticThreads::thread_count() const {
  const std::scoped_lock lock(x_mutex);
  return x_threads;
}

/// @pre x_mutex is held. The new thread counts as idle until it takes its first job.
bool ElasticThreads::spawn() {
  join_finished();
  if (x_threads >= x_threads_max) return false;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, stack_bytes);
  const SignalsBlocked blocked;
  pthread_t thread{};
  const bool made = pthread_create(&thread, &attributes, &ElasticThreads::enter, this) == 0;
  pthread_attr_destroy(&attributes);
  if (!made) return false;
  ++x_threads;
  ++x_idle;
  return true;
}

/// @pre x_mutex is held.
void ElasticThreads::join_finished() {
  for (const pthread_t thread : x_finished) pthread_join(thread, nullptr);
  x_finished.clear();
}

void* ElasticThreads::enter(void* self) {
  static_cast<ElasticThreads*>(self)->work();
  return nullptr;
}

void ElasticThreads::work() {
  std::unique_lock lock(x_mutex);
  for (;;) {
    const bool woken = x_work_or_stop.wait_for(lock, x_idle_time,
                                               [this] { return x_stopping || !x_jobs.empty(); });
    // Jobs are taken even while stopping: each has an end to report.
    if (!woken || x_jobs.empty()) break;
    Job job = std::move(x_jobs.front());
    x_jobs.pop_front();
    --x_idle;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    ++x_idle;
  }
  --x_idle;
  --x_threads;
  x_finished.push_back(pthread_self());
  x_thread_gone.notify_all();
}

}  // namespace signalbox::http
