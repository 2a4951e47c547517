// The tasks that a worker has under way: each is a call to the local server, and a thread that
// tells the broker what comes of it. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "cli/worker/worker_frames.hpp"
#include "cli/worker/worker_link.hpp"
#include "cli/worker/worker_outbox.hpp"
#include "http/edge/elastic_threads.hpp"
#include "http/upstream/upstream_client.hpp"

namespace signalbox::cli {

/// What the runs find out; called from their threads, with no lock held.
struct RunNotices {
  /// @param registration under which the task came.
  std::function<void(std::uint64_t registration)> session_gone;
  std::function<void(const BrokerAnswer&)> unauthorized;
  std::function<void()> local_server_is_down;
  /// One run less.
  std::function<void()> ended;
};

/// Where a run's answers go.
struct RunHome {
  std::string session;
  std::uint64_t registration = 0;
};

class WorkerRuns {
 public:
  /// @param capacity also bounds the results kept while the broker is away.
  WorkerRuns(http::UpstreamOptions upstream, std::size_t capacity, WorkerLink& link,
             RunNotices notices);
  /// Aborts what runs. @pre the link is closed.
  ~WorkerRuns();
  WorkerRuns(const WorkerRuns&) = delete;
  WorkerRuns& operator=(const WorkerRuns&) = delete;

  /// @param model used when the frame names none. @pre the task has no run, or abort() was called
  /// for it. @returns false when there is no thread to be had.
  bool start(const InferFrame& frame, const std::string& model, RunHome home);
  /// The local call is ended and nothing more is sent. Unknown tasks are ignored.
  void abort(const std::string& task);
  void abort_all();

  /// @returns the attempt of the task's run.
  [[nodiscard]] std::optional<std::uint64_t> attempt_of(const std::string& task);
  [[nodiscard]] std::size_t count();

  /// Asks the local server. Blocks for at most 10 s.
  Result<std::vector<BackendModel>> ask_models();

 private:
  struct Run;
  using RunPointer = std::shared_ptr<Run>;

  void take(const RunPointer& run, const BackendEvent& event);
  void send_all(const RunPointer& run);
  /// @returns false when the run is over.
  bool send_next(const RunPointer& run, std::unique_lock<std::mutex>& lock);
  /// @pre x_mutex is held.
  void drop(const RunPointer& run);
  void drop_oldest_result();

  const std::size_t x_capacity;
  WorkerLink& x_link;
  const RunNotices x_notices;
  std::mutex x_mutex;
  std::condition_variable x_news;
  std::map<std::string, RunPointer> x_runs;
  std::minstd_rand x_random{std::random_device{}()};
  // The backend last, so that its last events still find the rest.
  http::ElasticThreads x_threads;
  http::HttpBackend x_backend;
};

}  // namespace signalbox::cli
