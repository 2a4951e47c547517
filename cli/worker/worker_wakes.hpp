// The broker's wishes to have the local server woken: all who wait share one wake. Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "cli/worker/worker_answer.hpp"
#include "cli/worker/worker_wake.hpp"
#include "http/edge/elastic_threads.hpp"

namespace signalbox::cli {

/// What waking needs of the worker; called from a thread of the wakes'.
struct WakeSurroundings {
  /// Sends the answer to one wish.
  std::function<BrokerAnswer(const std::string& wake, const std::string& body)> answer;
  /// @returns false when the worker ends before the time is over.
  std::function<bool(std::chrono::milliseconds)> pause;
  std::function<void()> is_awake_now;
  std::function<void(const std::string& problem)> complain;
};

class WorkerWakes {
 public:
  /// @param job with an empty command answers every wish with an error.
  WorkerWakes(WakeJob job, WakeSurroundings surroundings);

  /// @param wake the wish's id; one that waits already is ignored.
  void take(const std::string& wake);

 private:
  void run();
  void answer(const std::string& wake, const std::string& body);

  const WakeJob x_job;
  const WakeSurroundings x_surroundings;
  std::mutex x_mutex;
  std::vector<std::string> x_waiting;
  bool x_is_waking = false;
  http::ElasticThreads x_threads;
};

}  // namespace signalbox::cli
