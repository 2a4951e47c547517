// The desk where workers register (mission B6): it knows every session and passes on to it what its
// worker says. Spawned with the house; its sessions stop with it. What it must remember is in the
// store, under each session's id.
#pragma once

#include <caf/make_message.hpp>  // for result.hpp, which does not include it
#include <caf/result.hpp>
#include <map>
#include <string>

#include "actors/messages/messages.hpp"
#include "actors/messages/ports.hpp"
#include "core/backends/worker_session.hpp"

namespace signalbox::actors {

/// Documents of this kind hold a session's registration, under its id.
inline constexpr const char* worker_documents = "worker";

struct RegistrarSettings {
  SessionRules rules;
  MakeStreamJoiner make_joiner;
  /// Sessions there can be, inactive ones included.
  std::size_t sessions_max = 10'000;
  /// Sessions are numbered from here as executors.
  ExecutorId first_executor = 1U << 20U;
};

class RegistrarState {
 public:
  explicit RegistrarState(RegistrarActor::pointer self) : x_self{self} {}
  static inline const char* name = "registrar";

  RegistrarActor::behavior_type make_behavior(RegistrarSettings settings, Ports ports);

 private:
  struct Session {
    WorkerSessionActor actor;
    std::string owner;
    ExecutorId executor = 0;
  };

  void open();
  Session& spawn_session(WorkerRegistration registration);
  [[nodiscard]] const Session* find(const SessionKey& key) const;
  caf::result<SessionAnswer> register_worker(RegisterWorker& message);
  caf::result<WorkerList> list(const ListWorkers& message);
  void collect(const CollectSessions& message);

  /// Hands the message to its session. @returns the session's answer, or session_not_found.
  template <class Answer, class Message>
  caf::result<Answer> pass_on(Message& message);

  RegistrarActor::pointer x_self;
  RegistrarSettings x_settings;
  Ports x_ports;
  House x_house;
  std::map<SessionId, Session> x_sessions;
  ExecutorId x_next_executor = 0;
};

RegistrarActor::behavior_type registrar_actor(RegistrarActor::stateful_pointer<RegistrarState> self,
                                              RegistrarSettings settings, Ports ports);

}  // namespace signalbox::actors
