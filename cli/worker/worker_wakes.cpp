#include "cli/worker/worker_wakes.hpp"

#include <algorithm>
#include <utility>

#include "cli/worker/worker_bodies.hpp"
#include "cli/worker/worker_reconnect.hpp"

namespace signalbox::cli {
namespace {

/// A wake may come while the last one is still being answered.
constexpr std::size_t threads_max = 4;
constexpr std::chrono::milliseconds thread_idle_time{1'000};
constexpr int answer_tries = 5;

}  // namespace

WorkerWakes::WorkerWakes(WakeJob job, WakeSurroundings surroundings)
    : x_job{std::move(job)},
      x_surroundings{std::move(surroundings)},
      x_threads{threads_max, thread_idle_time} {}

void WorkerWakes::take(const std::string& wake) {
  {
    const std::scoped_lock lock{x_mutex};
    if (std::find(x_waiting.begin(), x_waiting.end(), wake) != x_waiting.end()) return;
    x_waiting.push_back(wake);
    if (std::exchange(x_is_waking, true)) return;
  }
  if (x_threads.run([this] { run(); })) return;
  const std::scoped_lock lock{x_mutex};
  x_is_waking = false;
  x_waiting.clear();
}

void WorkerWakes::run() {
  std::optional<std::string> problem = "the worker was started without --wake-command";
  if (!x_job.command.empty()) problem = run_wake(x_job);
  if (problem) {
    x_surroundings.complain(*problem);
  } else {
    x_surroundings.is_awake_now();
  }
  std::vector<std::string> waiting;
  {
    const std::scoped_lock lock{x_mutex};
    x_is_waking = false;
    waiting.swap(x_waiting);
  }
  const std::string body = problem ? error_body(*problem, false, 0) : woken_body();
  for (const std::string& wake : waiting) answer(wake, body);
}

void WorkerWakes::answer(const std::string& wake, const std::string& body) {
  ReconnectPolicy policy;
  for (int tries = 0; tries < answer_tries; ++tries) {
    const AnswerKind kind = kind_of(x_surroundings.answer(wake, body));
    if (kind != AnswerKind::later && kind != AnswerKind::unknown) return;
    if (!x_surroundings.pause(policy.next(0))) return;
  }
}

}  // namespace signalbox::cli
