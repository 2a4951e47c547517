// The actors behind the front, played by a script, and a client that keeps what it is told: lets
// surfaces be tested from request to answer without a socket, a store or a broker.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "actors/calls/metrics_actor.hpp"
#include "actors/store/store_actor.hpp"
#include "http/dispatch.hpp"
#include "http/front/services.hpp"
#include "persistence/memory_task_store.hpp"

namespace signalbox::http {

/// What the other actors do; each runs on an actor's thread, while the test waits for its answer.
struct Script {
  std::function<void(actors::SubmitTask&)> submit = [](auto&) {};
  std::function<void(actors::WatchTask&)> watch = [](auto&) {};
  std::function<void(actors::BindWorker&)> bind = [](auto&) {};
  std::function<actors::SessionAnswer(actors::RegisterWorker&)> enrol = [](auto&) {
    return actors::SessionAnswer{};
  };
  std::function<actors::WorkerReply(actors::WorkerResult&)> result = [](auto&) {
    return actors::WorkerReply{};
  };
  actors::AgentAnswer agent;
  std::vector<PoolView> pools;
  std::promise<actors::CallerGone> caller_gone;
  std::promise<actors::UnbindWorker> unbound;
};
using ScriptPtr = std::shared_ptr<Script>;

inline actors::BrokerActor::behavior_type fake_broker(actors::BrokerActor::pointer,
                                                      ScriptPtr script) {
  return {
      [](const actors::OpenHouse&) {},
      [script](actors::SubmitTask& message) { script->submit(message); },
      [script](const actors::CallerGone& message) { script->caller_gone.set_value(message); },
      [script](actors::WatchTask& message) { script->watch(message); },
      [](const actors::TaskActorGone&) {},
      [](const actors::OrderEnd&) {},
      [](const actors::BacklogGranted&) {},
      [](const actors::RoutingChanged&) {},
      [](const actors::BeginDrain&) {},
      [](const actors::StoreAnswer&) {},
      [](actors::ShelveTasks) { return actors::Done{}; },
      [](const actors::CancelTask&) { return actors::Done{}; },
      [](const actors::ConfigureProfile& message) {
        actors::ProfileStatus status;
        status.name = message.name;
        if (message.policy) status.settings.policy = *message.policy;
        message.options.apply_to(status.settings.policy_options);
        status.settings.preempt = message.preempt.value_or(status.settings.preempt);
        status.settings.preempt_budget =
            message.preempt_budget.value_or(status.settings.preempt_budget);
        status.settings.tune_slots = message.tune_slots.value_or(status.settings.tune_slots);
        return status;
      },
      [](const actors::ApplyProfiles&) { return actors::Done{}; },
      [](const actors::ListProfiles&) { return actors::ProfileList{}; },
      [](const actors::AcquireSlot&) {},
      [](const actors::DropSlot&) {},
      [](const actors::SlotGone&) {},
      [](const actors::MarkSlot&) { return actors::SlotAnswer{}; },
      [](const actors::RenewSlot&) { return actors::SlotAnswer{}; },
      [](const actors::ReleaseSlot&) { return actors::SlotAnswer{}; },
      [](const actors::GetProfile&) { return actors::ProfileStatus{}; },
      [script](const actors::ConfigurePool& message) {
        script->pools.push_back({message.name, message.choice});
        return actors::Done{};
      },
      [](const actors::ApplyPools&) { return actors::Done{}; },
      [](const actors::FindPositions&) { return actors::Positions{}; },
      [](const actors::ListAgents&) { return actors::AgentList{}; },
      [script](const actors::GetAgent&) { return script->agent; },
      [](actors::PutAgent& message) {
        return actors::AgentAnswer{{}, std::move(message.agent)};
      },
      [script](const actors::DeleteAgent&) { return script->agent; },
  };
}

inline actors::RegistrarActor::behavior_type fake_registrar(actors::RegistrarActor::pointer,
                                                            ScriptPtr script) {
  return {
      [](const actors::OpenHouse&) {},
      [](const actors::SessionEnded&) {},
      [](const actors::CollectSessions&) {},
      [](const actors::BeginDrain&) {},
      [script](actors::BindWorker& message) { script->bind(message); },
      [script](const actors::UnbindWorker& message) { script->unbound.set_value(message); },
      [script](actors::RegisterWorker& message) { return script->enrol(message); },
      [](const actors::WorkerHeartbeat&) { return actors::SessionAnswer{}; },
      [](const actors::WorkerChunks&) { return actors::WorkerReply{}; },
      [script](actors::WorkerResult& message) { return script->result(message); },
      [](const actors::DrainWorker&) { return actors::SessionAnswer{}; },
      [](const actors::LeaveWorker&) { return actors::SessionAnswer{}; },
      [](const actors::GetWorker&) { return actors::SessionAnswer{}; },
      [](const actors::ListWorkers&) { return actors::WorkerList{}; },
  };
}

/// Knows no LLM, and the script's pools.
inline actors::DirectoryActor::behavior_type fake_directory(actors::DirectoryActor::pointer,
                                                            ScriptPtr script) {
  return {
      [](const actors::AcquireLease&) {},
      [](const actors::WithdrawLease&) {},
      [](const actors::ReleaseLease&) {},
      [](const actors::PutLlms&) {},
      [](const actors::SetBackendStatus&) {},
      [](const actors::ClaimLlms&) { return actors::LlmsClaimed{}; },
      [](const actors::RemoveExecutor&) {},
      [](const actors::WakeFailed&) {},
      [](const actors::SetChoices&) {},
      [](const actors::LineTick&) {},
      [](const actors::ListLlms&) {
        return actors::LlmList{std::make_shared<const RoutingTable>()};
      },
      [script](const actors::ListPools&) { return actors::PoolList{script->pools}; },
  };
}

class FakeIds final : public IdSource {
 public:
  IdBytes next() override { return x_ids.next(1'700'000'000'000); }

 private:
  IdSequence x_ids{1};
};

/// The client of one request.
class FakeClient final : public Responder {
 public:
  void send(Response response) override { answer = std::move(response); }
  void begin_stream(const Response& response) override {
    answer = response;
    is_stream = true;
  }
  bool write(std::string_view bytes) override {
    text += bytes;
    if (text.size() >= leaves_after && on_leave) std::exchange(on_leave, nullptr)();
    return text.size() < leaves_after;
  }
  void end_stream() override { has_ended = true; }
  void on_hang_up(std::function<void()> callback) override { on_leave = std::move(callback); }

  Response answer;
  std::string text;
  bool is_stream = false;
  bool has_ended = false;
  /// Unit: bytes.
  std::size_t leaves_after = static_cast<std::size_t>(-1);

 private:
  std::function<void()> on_leave;
};

class FakeHouse {
 public:
  FakeHouse() : x_system{x_config} {
    actors::House house;
    house.broker = x_system.spawn(fake_broker, script);
    house.registrar = x_system.spawn(fake_registrar, script);
    house.directory = x_system.spawn(fake_directory, script);
    house.store = x_system.spawn(actors::store_actor, store, actors::GatherRule{.is_on = false});
    house.metrics = x_system.spawn(actors::metrics_actor, house.store, std::size_t{10});
    services.front = x_system.spawn(front_actor, house);
    services.events = x_system.spawn(events_actor, EventsSetup{house, store, "9.9.9"});
    services.version = "9.9.9";
    services.ports.ids = std::make_shared<FakeIds>();
    services.ports.store = store;
    caller.owner = "alice";
    caller.has_all = true;
    x_house = std::move(house);
  }
  ~FakeHouse() {
    caf::anon_send_exit(services.front, caf::exit_reason::kill);
    caf::anon_send_exit(services.events, caf::exit_reason::kill);
    caf::anon_send_exit(x_house.directory, caf::exit_reason::kill);
    caf::anon_send_exit(x_house.metrics, caf::exit_reason::kill);
    caf::anon_send_exit(x_house.store, caf::exit_reason::kill);
    caf::anon_send_exit(x_house.broker, caf::exit_reason::kill);
    caf::anon_send_exit(x_house.registrar, caf::exit_reason::kill);
    services.front = FrontActor{};
    services.events = EventsActor{};
    x_house = {};
    *script = {};
  }
  FakeHouse(const FakeHouse&) = delete;
  FakeHouse& operator=(const FakeHouse&) = delete;

  /// Answers as the daemon would, past authentication.
  void handle(Request request, FakeClient& client) {
    request.headers.emplace_back("Content-Type", "application/json");
    const auto route = match_route(request.method, request.path);
    Context context{services, request, client, caller, "request-1"};
    if (route.has_error()) return context.send_error(route.error());
    if (const auto error = check_action(context, route->action)) return context.send_error(*error);
    answer_action(context, *route);
  }

  /// A call's row, as it is now.
  void change(CallRow row) {
    caf::anon_send(x_house.metrics,
                   actors::CallChanged{std::make_shared<const CallRow>(std::move(row))});
  }

  ScriptPtr script = std::make_shared<Script>();
  std::shared_ptr<persistence::MemoryTaskStore> store =
      std::make_shared<persistence::MemoryTaskStore>();
  Services services;
  Caller caller;

 private:
  caf::actor_system_config x_config;
  caf::actor_system x_system;
  actors::House x_house;
};

inline Request request_to(std::string method, std::string path, std::string body = {}) {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.body = std::move(body);
  request.remote_address = "127.0.0.1";
  return request;
}

}  // namespace signalbox::http
