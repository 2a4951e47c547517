#include "cli/worker/worker_runs.hpp"

#include <future>
#include <utility>

#include "cli/worker/worker_reconnect.hpp"

namespace signalbox::cli {
namespace {

constexpr std::chrono::milliseconds thread_idle_time{10'000};
/// Runs of an older attempt need a moment to end.
constexpr std::size_t threads_per_task = 4;

}  // namespace

struct WorkerRuns::Run {
  Run(const InferFrame& frame, RunHome run_home)
      : task{frame.task}, attempt{frame.attempt}, home{std::move(run_home)}, outbox{attempt} {}

  const std::string task;
  const std::uint64_t attempt;
  const RunHome home;
  RunOutbox outbox;
  /// Of the local call; 0 until it is known.
  std::uint64_t call_number = 0;
  /// The local server's end has come. Orders the results that wait for the broker.
  std::optional<std::chrono::steady_clock::time_point> ended_at;
  bool is_dropped = false;
  ReconnectPolicy pause;
};

WorkerRuns::WorkerRuns(http::UpstreamOptions upstream, std::size_t capacity, WorkerLink& link,
                       RunNotices notices)
    : x_capacity{capacity},
      x_link{link},
      x_notices{std::move(notices)},
      x_threads{capacity * threads_per_task, thread_idle_time},
      x_backend{std::move(upstream)} {}

WorkerRuns::~WorkerRuns() {
  abort_all();
}

bool WorkerRuns::start(const InferFrame& frame, const std::string& model, RunHome home) {
  const auto run = std::make_shared<Run>(frame, std::move(home));
  {
    const std::scoped_lock lock{x_mutex};
    drop_oldest_result();
    x_runs[run->task] = run;
  }
  if (!x_threads.run([this, run] { send_all(run); })) {
    const std::scoped_lock lock{x_mutex};
    x_runs.erase(run->task);
    return false;
  }
  BackendCall call;
  call.kind = frame.kind;
  call.request = make_bytes(frame.request);
  call.model = frame.model.empty() ? model : frame.model;
  call.streaming = frame.is_streaming;
  call.request_id = frame.task;
  const auto number =
      x_backend.start(std::move(call), [this, run](BackendEvent event) { take(run, event); });
  const std::scoped_lock lock{x_mutex};
  run->call_number = number;
  if (run->is_dropped) x_backend.cancel(number);
  return true;
}

void WorkerRuns::take(const RunPointer& run, const BackendEvent& event) {
  const auto* failed = std::get_if<BackendFailed>(&event);
  {
    const std::scoped_lock lock{x_mutex};
    if (run->is_dropped) return;
    run->outbox.add(event);
    if (failed != nullptr || std::holds_alternative<BackendFinished>(event)) {
      run->ended_at = std::chrono::steady_clock::now();
    }
  }
  x_news.notify_all();
  if (failed != nullptr && failed->error.code == ErrorCode::backend_unreachable) {
    x_notices.local_server_is_down();
  }
}

void WorkerRuns::send_all(const RunPointer& run) {
  {
    std::unique_lock lock{x_mutex};
    while (send_next(run, lock)) {
    }
    drop(run);
  }
  x_notices.ended();
}

bool WorkerRuns::send_next(const RunPointer& run, std::unique_lock<std::mutex>& lock) {
  x_news.wait(lock, [&run] { return run->is_dropped || run->outbox.has_next(); });
  if (run->is_dropped) return false;
  const OutboxPost post = run->outbox.next();
  lock.unlock();
  const char* verb = post.is_result ? "/result" : "/chunk";
  const BrokerAnswer answer =
      x_link.call({.path = "/api/v1/workers/" + run->home.session + "/tasks/" + run->task + verb,
                   .body = post.body});
  lock.lock();
  if (run->is_dropped) return false;
  const OutboxStep step = run->outbox.settle(answer);
  if (step == OutboxStep::go_on) {
    run->pause.reset();
  } else if (step == OutboxStep::later) {
    const double chance = static_cast<double>(x_random()) / 2147483648.0;
    x_news.wait_for(lock, run->pause.next(chance), [&run] { return run->is_dropped; });
  } else if (step == OutboxStep::abort_local) {
    x_backend.cancel(run->call_number);
  } else {
    drop(run);
    lock.unlock();
    if (step == OutboxStep::session_gone) x_notices.session_gone(run->home.registration);
    if (step == OutboxStep::unauthorized) x_notices.unauthorized(answer);
    lock.lock();
  }
  return !run->is_dropped;
}

void WorkerRuns::drop(const RunPointer& run) {
  const auto found = x_runs.find(run->task);
  if (found != x_runs.end() && found->second == run) x_runs.erase(found);
  if (std::exchange(run->is_dropped, true)) return;
  if (run->call_number != 0 && !run->ended_at) x_backend.cancel(run->call_number);
  x_news.notify_all();
}

void WorkerRuns::drop_oldest_result() {
  RunPointer oldest;
  std::size_t waiting = 0;
  for (const auto& [task, run] : x_runs) {
    if (!run->ended_at) continue;
    ++waiting;
    if (!oldest || *run->ended_at < *oldest->ended_at) oldest = run;
  }
  if (waiting > x_capacity) drop(oldest);
}

void WorkerRuns::abort(const std::string& task) {
  const std::scoped_lock lock{x_mutex};
  const auto found = x_runs.find(task);
  if (found != x_runs.end()) drop(RunPointer{found->second});
}

void WorkerRuns::abort_all() {
  const std::scoped_lock lock{x_mutex};
  while (!x_runs.empty()) drop(RunPointer{x_runs.begin()->second});
}

std::optional<std::uint64_t> WorkerRuns::attempt_of(const std::string& task) {
  const std::scoped_lock lock{x_mutex};
  const auto found = x_runs.find(task);
  if (found == x_runs.end()) return std::nullopt;
  return found->second->attempt;
}

std::size_t WorkerRuns::count() {
  const std::scoped_lock lock{x_mutex};
  return x_runs.size();
}

Result<std::vector<BackendModel>> WorkerRuns::ask_models() {
  const auto answer = std::make_shared<std::promise<Result<std::vector<BackendModel>>>>();
  auto future = answer->get_future();
  x_backend.list_models(
      [answer](Result<std::vector<BackendModel>> models) { answer->set_value(std::move(models)); });
  return future.get();
}

}  // namespace signalbox::cli
