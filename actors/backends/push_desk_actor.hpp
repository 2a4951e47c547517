// The desk that hears push workers (mission C1-C3): workers with an HTTP server of their own, known
// by their heartbeats alone. It runs their calls through the Backend port, as an upstream's are.
//
// Spawned with the house, linked to nobody. Persists nothing: a worker that lives is heard of again
// within one heartbeat.
#pragma once

#include <caf/result.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "actors/backends/backend_calls.hpp"
#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "core/backends/push_worker.hpp"

namespace signalbox::actors {

struct PushDeskSettings {
  /// Silence after which a worker is given no more work.
  Duration heartbeat_timeout = std::chrono::seconds{90};
  /// A worker more pushes out the one that has been gone the longest; if none is, it is refused.
  std::size_t workers_max = 1024;
  /// Makes what speaks to the server at `host` and `port`. @param model to be named with each
  /// call; empty = the worker has one only. Null = there are no push workers in this house.
  std::function<std::shared_ptr<Backend>(const std::string& host, std::uint16_t port,
                                         const std::string& model)>
      make_backend = nullptr;
  /// Workers are numbered from here as executors.
  ExecutorId first_executor = 1U << 24U;
};

class PushDeskState {
 public:
  explicit PushDeskState(PushDeskActor::pointer self) : x_self{self} {}
  static inline const char* name = "push_desk";

  PushDeskActor::behavior_type make_behavior(PushDeskSettings settings, Ports ports);

 private:
  struct Worker {
    PushWorker state;
    std::string owner;
    ExecutorId executor = 0;
    /// When the directory was told of it last.
    Instant published_at{};
    /// Without its times, as the directory was told.
    std::vector<Llm> published;
    /// By model; for the host and port of `address`.
    std::map<std::string, std::shared_ptr<Backend>> backends;
    std::pair<std::string, std::uint16_t> address;
  };

  PushAnswer hear(const HearPushWorker& message);
  /// @returns the worker of that id, a new one if need be, or why there is none.
  Result<Worker*> find_or_make(const HearPushWorker& message);
  bool make_room();
  void remove(std::map<std::string, Worker>::iterator place);
  void publish(Worker& worker);
  void run(const RunTask& message);
  void refuse(const RunTask& message);
  void call_ended(const CallEnded& message);
  [[nodiscard]] Worker* find(ExecutorId executor);
  std::shared_ptr<Backend> backend_for(Worker& worker, const std::string& model);
  void expire();
  void set_timer();
  void collect(const CollectSessions& message);
  caf::result<WorkerList> list(const ListWorkers& message);
  [[nodiscard]] SessionStatus status_of(const Worker& worker, const RoutingTable& table) const;
  [[nodiscard]] Instant now() const;

  PushDeskActor::pointer x_self;
  PushDeskSettings x_settings;
  Ports x_ports;
  House x_house;
  /// By the worker's own id.
  std::map<std::string, Worker> x_workers;
  std::map<ExecutorId, std::string> x_ids;
  BackendCalls x_calls;
  ExecutorId x_next_executor = 0;
  std::optional<Instant> x_timer;
  std::uint64_t x_timer_generation = 0;
};

PushDeskActor::behavior_type push_desk_actor(PushDeskActor::stateful_pointer<PushDeskState> self,
                                             PushDeskSettings settings, Ports ports);

}  // namespace signalbox::actors
