// The worker put together. Three threads beside those of the runs: the one in run() waits for the
// end and brings it about, one keeps the registration and the stream, one sends heartbeats. What
// they decide is WorkerState's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "cli/worker/worker_arguments.hpp"
#include "cli/worker/worker_bodies.hpp"
#include "cli/worker/worker_link.hpp"
#include "cli/worker/worker_reconnect.hpp"
#include "cli/worker/worker_runs.hpp"
#include "cli/worker/worker_state.hpp"
#include "cli/worker/worker_wakes.hpp"
#include "http/upstream/base_url.hpp"

namespace signalbox::cli {

struct WorkerAddresses {
  http::BaseUrl broker;
  std::string broker_key;
  http::BaseUrl upstream;
};

class WorkerProgram {
 public:
  WorkerProgram(WorkerOptions options, const WorkerAddresses& addresses);
  ~WorkerProgram();
  WorkerProgram(const WorkerProgram&) = delete;
  WorkerProgram& operator=(const WorkerProgram&) = delete;

  /// @returns the process's exit code.
  int run();

  /// Asks run() to come to its end. Any thread.
  void stop();

 private:
  using Lock = std::unique_lock<std::mutex>;

  // The link thread.
  void keep_link();
  /// @returns false when the worker ends first.
  bool find_model();
  void enroll();
  void bind();
  void on_open();
  /// @returns whether it was a frame.
  bool on_event(const http::SseEvent& event);
  void take_infer(const InferFrame& frame);

  // The heartbeat thread.
  void keep_heartbeat();

  // The end.
  void ask_for_drain();
  void wait_for_runs();
  void leave();

  [[nodiscard]] RunNotices make_notices();
  [[nodiscard]] WakeJob make_wake_job();
  [[nodiscard]] WakeSurroundings make_wake_surroundings();
  // These two: @pre x_mutex is held.
  [[nodiscard]] LlmState llm_state() const;
  [[nodiscard]] std::string session_path() const;
  /// Applies `change` to the state; a registration that is gone and an end are acted on.
  void update(const std::function<void(WorkerState&)>& change);
  /// @returns false when the worker ends before `time` is over.
  bool pause(std::chrono::milliseconds time);
  /// In [0, 1). The link thread's only.
  double chance();
  void say(const std::string& text);
  /// The same complaint is not printed twice in a row.
  void complain(const std::string& text);

  WorkerOptions x_options;
  WorkerLink x_link;

  std::mutex x_mutex;
  std::condition_variable x_news;
  WorkerState x_state;
  bool x_is_awake = true;
  bool x_is_over = false;
  /// A heartbeat is due now.
  bool x_is_heartbeat_due = false;
  std::string x_said;

  // The link thread's own.
  ReconnectPolicy x_policy;
  std::minstd_rand x_random{std::random_device{}()};

  WorkerRuns x_runs;
  // Last: its threads use all of the above.
  WorkerWakes x_wakes;
};

}  // namespace signalbox::cli
