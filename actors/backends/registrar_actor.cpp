#include "actors/backends/registrar_actor.hpp"

#include <algorithm>
#include <caf/send.hpp>
#include <caf/spawn_options.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "actors/backends/worker_session_actor.hpp"
#include "actors/messages/gather.hpp"

namespace signalbox::actors {
namespace {

/// A session answers from memory, and leaves within one commit.
constexpr std::chrono::seconds session_patience{10};

Error no_such_session() {
  return make_error(ErrorCode::session_not_found,
                    "there is no such session: register anew, with the old id if you like");
}

}  // namespace

// Later registrations are taken up last: of two that offer one name, the later owns it.
void RegistrarState::open() {
  const auto documents = x_ports.store->documents(worker_documents);
  if (documents.has_error()) return;
  std::vector<WorkerRegistration> registrations;
  for (const auto& [session, text] : *documents) {
    if (auto registration = decode_worker_registration(text)) {
      registrations.push_back(std::move(*registration));
    }
  }
  std::stable_sort(
      registrations.begin(), registrations.end(),
      [](const auto& left, const auto& right) { return left.registered_at < right.registered_at; });
  for (WorkerRegistration& registration : registrations) spawn_session(std::move(registration));
}

RegistrarState::Session& RegistrarState::spawn_session(WorkerRegistration registration) {
  Session& session = x_sessions[registration.session];
  session.owner = registration.owner;
  session.executor = x_next_executor;
  WorkerSessionSetup setup;
  setup.id = x_next_executor++;
  setup.registration = std::move(registration);
  setup.rules = x_settings.rules;
  setup.make_joiner = x_settings.make_joiner;
  setup.house = x_house;
  setup.ports = x_ports;
  // Linked: those that have left and linger stop with the house, too.
  session.actor = x_self->spawn<caf::linked>(worker_session_actor, std::move(setup));
  return session;
}

const RegistrarState::Session* RegistrarState::find(const SessionKey& key) const {
  const auto place = x_sessions.find(key.session);
  if (place == x_sessions.end()) return nullptr;
  const Session& session = place->second;
  return session.owner == key.owner || key.sees_all ? &session : nullptr;
}

template <class Answer, class Message>
caf::result<Answer> RegistrarState::pass_on(Message& message) {
  if (const Session* session = find(message.key)) {
    return x_self->delegate(session->actor, std::move(message));
  }
  Answer refused;
  refused.error = no_such_session();
  return refused;
}

caf::result<SessionAnswer> RegistrarState::register_worker(RegisterWorker& message) {
  if (const Session* session = find(message.key)) {
    return x_self->delegate(session->actor, std::move(message));
  }
  if (x_sessions.size() >= x_settings.sessions_max) {
    SessionAnswer refused;
    refused.error = make_error(ErrorCode::invalid_request, "there are too many sessions already");
    return refused;
  }
  WorkerRegistration registration;
  registration.owner = message.key.owner;
  // An id that is not known is kept, so that a worker is the same one to a broker that lost its
  // store; another owner's is not given away.
  const bool is_free = !message.key.session.is_nil() && !x_sessions.contains(message.key.session);
  registration.session = is_free ? message.key.session : SessionId{x_ports.ids->next()};
  const Session& session = spawn_session(std::move(registration));
  return x_self->delegate(session.actor, std::move(message));
}

caf::result<WorkerList> RegistrarState::list(const ListWorkers& message) {
  auto promise = x_self->make_response_promise<WorkerList>();
  Gather<WorkerList> gather{promise, [](WorkerList& list) {
                              std::stable_sort(
                                  list.workers.begin(), list.workers.end(),
                                  [](const auto& left, const auto& right) {
                                    return std::pair{left.push.has_value(), left.session} <
                                           std::pair{right.push.has_value(), right.session};
                                  });
                            }};
  for (const auto& [id, session] : x_sessions) {
    if (session.owner != message.owner && !message.sees_all) continue;
    gather.open();
    x_self->request(session.actor, session_patience, GetWorker{{id, message.owner, true}})
        .then(
            [gather](SessionAnswer& one) mutable {
              gather.answer().workers.push_back(std::move(one.status));
              gather.close();
            },
            [gather](const caf::error&) mutable { gather.close(); });
  }
  gather.open();
  x_self->request(x_house.push_desk, session_patience, message)
      .then(
          [gather](WorkerList& pushed) mutable {
            auto& workers = gather.answer().workers;
            std::move(pushed.workers.begin(), pushed.workers.end(), std::back_inserter(workers));
            gather.close();
          },
          [gather](const caf::error&) mutable { gather.close(); });
  gather.close();
  return promise;
}

void RegistrarState::collect(const CollectSessions& message) {
  x_self->send(x_house.push_desk, message);
  for (const auto& [id, session] : x_sessions) {
    const SessionKey key{id, session.owner, true};
    x_self->request(session.actor, session_patience, GetWorker{key})
        .then(
            [this, key, actor = session.actor, message](const SessionAnswer& one) {
              const SessionStatus& status = one.status;
              const bool is_old =
                  status.state == SessionState::inactive &&
                  status.inactive_since + std::chrono::duration_cast<std::chrono::milliseconds>(
                                              message.inactive_retention) <=
                      x_ports.wall->now();
              if (is_old) caf::anon_send(actor, LeaveWorker{key});
            },
            [](const caf::error&) {});
  }
}

RegistrarActor::behavior_type RegistrarState::make_behavior(RegistrarSettings settings,
                                                            Ports ports) {
  x_settings = std::move(settings);
  x_ports = std::move(ports);
  x_next_executor = x_settings.first_executor;
  // A session that ends by itself does not take the others with it.
  x_self->set_exit_handler([this](const caf::exit_msg& message) {
    const bool is_order = message.reason && message.reason.category() == caf::atom("exit");
    if (is_order) x_self->quit(message.reason);
  });
  return {
      [this](BindWorker& message) {
        if (const Session* session = find(message.key)) {
          x_self->send(session->actor, std::move(message));
        } else {
          x_self->send(message.handle, ChannelClosed{message.channel, no_such_session()});
        }
      },
      [this](const UnbindWorker& message) {
        const auto place = x_sessions.find(message.session);
        if (place != x_sessions.end()) x_self->send(place->second.actor, message);
      },
      [this](RegisterWorker& message) { return register_worker(message); },
      [this](WorkerHeartbeat& message) { return pass_on<SessionAnswer>(message); },
      [this](WorkerChunks& message) { return pass_on<WorkerReply>(message); },
      [this](WorkerResult& message) { return pass_on<WorkerReply>(message); },
      [this](DrainWorker& message) { return pass_on<SessionAnswer>(message); },
      [this](LeaveWorker& message) { return pass_on<SessionAnswer>(message); },
      [this](GetWorker& message) { return pass_on<SessionAnswer>(message); },
      [this](const OpenHouse& message) {
        x_house = message.house;
        open();
      },
      [this](const SessionEnded& message) {
        const auto place = x_sessions.find(message.session);
        const bool is_that =
            place != x_sessions.end() && place->second.executor == message.executor;
        if (is_that) x_sessions.erase(place);
      },
      [this](const CollectSessions& message) { collect(message); },
      [this](BeginDrain) {
        for (const auto& [id, session] : x_sessions) x_self->send(session.actor, BeginDrain{});
      },
      [this](const ListWorkers& message) { return list(message); },
  };
}

RegistrarActor::behavior_type registrar_actor(RegistrarActor::stateful_pointer<RegistrarState> self,
                                              RegistrarSettings settings, Ports ports) {
  return self->state.make_behavior(std::move(settings), std::move(ports));
}

}  // namespace signalbox::actors
