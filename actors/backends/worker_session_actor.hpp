// One worker's session: an executor whose calls go out over the worker's own connection (mission
// B4-B7). What is there and what is held is WorkerSession's to say; this file carries it out.
//
// Spawned by the registrar, at registration or from the store; ends when the worker leaves or has
// been away for too long. Persists its registration. When it dies with the process, its tasks are
// pending again at the next start and its worker binds anew.
#pragma once

#include <caf/make_message.hpp>  // for result.hpp, which does not include it
#include <caf/result.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "core/backends/worker_session.hpp"

namespace signalbox::actors {

struct WorkerSessionSetup {
  ExecutorId id = 0;
  WorkerRegistration registration;
  SessionRules rules;
  MakeStreamJoiner make_joiner;
  House house;
  Ports ports;
};

class WorkerSessionState {
 public:
  explicit WorkerSessionState(WorkerSessionActor::pointer self) : x_self{self} {}
  static inline const char* name = "worker";

  WorkerSessionActor::behavior_type make_behavior(WorkerSessionSetup setup);

 private:
  /// A call that the worker runs.
  struct Call {
    TaskPtr task;
    Epoch epoch = 0;
    TaskActor reply_to;
    /// Of its answer so far. Range: 0..answer_bytes_max.
    std::size_t answer_bytes = 0;
    /// Made with the first chunk.
    std::unique_ptr<StreamJoiner> joiner;
  };
  using ReplyPromise = caf::typed_response_promise<WorkerReply>;
  using AnswerPromise = caf::typed_response_promise<SessionAnswer>;

  // Presence (worker_session_actor.cpp).
  caf::result<SessionAnswer> offer(const RegisterWorker& message);
  void offered(const RegisterWorker& message, const LlmsClaimed& claimed, AnswerPromise promise);
  void taken(const LlmTaken& message);
  void bind(const BindWorker& message);
  void unbind(const UnbindWorker& message);
  caf::result<SessionAnswer> heartbeat(const WorkerHeartbeat& message);
  void hear();
  void drain(bool is_stopping);
  caf::result<SessionAnswer> leave();
  void written(const StoreAnswer& message);
  void tick();
  /// Tells the directory how things are; names that others own now are given up.
  void publish();
  void set_timer();
  void send_frame(decltype(WorkerFrame::frame) frame);
  [[nodiscard]] std::vector<Llm> make_llms() const;
  [[nodiscard]] Llm make_llm(const OfferedLlm& offered) const;
  [[nodiscard]] SessionAnswer answer() const;
  [[nodiscard]] Instant now() const { return x_self->clock().now(); }

  // Work (worker_calls.cpp).
  void run(const RunTask& message);
  void abort(const AbortTask& message);
  /// Ends the call, and tells the worker so.
  void give_up(TaskId task, BackendFailed failure);
  void give_back_all(bool is_clean, const std::string& reason);
  WorkerReply take_chunks(const WorkerChunks& message);
  caf::result<WorkerReply> take_result(WorkerResult& message);
  WorkerReply take_wake_result(const Wake& wake, const WorkerResult& message);
  [[nodiscard]] WorkerReply reply_to_stranger(TaskId task) const;
  void result_stored(const ResultStored& message);
  void wake(const WakeLlm& message);
  void fail_wakes();

  WorkerSessionActor::pointer x_self;
  WorkerSessionSetup x_setup;
  std::optional<WorkerSession> x_session;
  WorkerChannel x_channel;
  std::map<TaskId, Call> x_calls;
  /// Results on their way to the disk.
  std::map<TaskId, std::vector<ReplyPromise>> x_results;
  /// Registrations on their way to the disk, by cookie; the one of leaving ends the session.
  std::map<std::uint64_t, AnswerPromise> x_writes;
  std::uint64_t x_next_cookie = 1;
  bool x_is_registered = false;
  bool x_is_leaving = false;
  WallTime x_connected_at{};
  WallTime x_last_heartbeat_at{};
  WallTime x_inactive_since{};
  std::uint64_t x_done = 0;
  std::uint64_t x_failed = 0;
  std::optional<Instant> x_timer;
  std::uint64_t x_timer_generation = 0;
};

WorkerSessionActor::behavior_type worker_session_actor(
    WorkerSessionActor::stateful_pointer<WorkerSessionState> self, WorkerSessionSetup setup);

}  // namespace signalbox::actors
