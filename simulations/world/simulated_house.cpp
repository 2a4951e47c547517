#include "simulations/world/simulated_house.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <limits>
#include <utility>

#include "actors/messages/sent.hpp"
#include "simulations/world/ask.hpp"
#include "simulations/world/batching_server.hpp"
#include "simulations/world/server_work.hpp"

namespace signalbox::sim {
namespace {

/// A plain call's answer is whole text; nothing here reads one.
class EmptyJoiner final : public StreamJoiner {
 public:
  void add(std::string_view) override {}
  [[nodiscard]] std::string body() const override { return {}; }
};

bool has_slow_disk(const Scenario& scenario) {
  return std::any_of(scenario.faults.begin(), scenario.faults.end(),
                     [](const Fault& fault) { return fault.kind == FaultKind::slow_sync; });
}

}  // namespace

/// The caller of every call: hands what it is told to the witness.
class SimulatedHouse::Caller {
 public:
  explicit Caller(CallerActor::pointer) {}
  static inline const char* name = "caller";

  CallerActor::behavior_type make_behavior(SimulatedHouse* house) {
    x_house = house;
    return {
        actors::sent([this](const actors::TaskEnded& message) {
          if (hears()) x_house->x_witness.ended(message);
        }),
        [this](const actors::TaskRefused& message) {
          if (hears()) x_house->x_witness.refused(message);
        },
        [this](const actors::TaskAccepted& message) {
          if (hears()) x_house->x_witness.accepted(message);
        },
        [this](const actors::TaskBegan& message) {
          if (hears()) x_house->x_witness.began(message);
        },
        [this](const actors::TaskData& message) {
          if (hears()) x_house->x_witness.data(message);
        },
        [](const actors::TaskMoved&) {},
        [](const actors::TaskReset&) {},
        [](const actors::SlotWaiting&) {},
        [this](const actors::SlotAdmitted& message) {
          if (hears()) x_house->x_witness.slot_admitted(message);
        },
        [this](const actors::SlotEnded& message) {
          if (hears()) x_house->x_witness.slot_ended(message);
        },
    };
  }

 private:
  [[nodiscard]] bool hears() const { return !x_house->x_is_dying; }

  SimulatedHouse* x_house = nullptr;
};

SimulatedHouse::CallerActor::behavior_type SimulatedHouse::caller(
    CallerActor::stateful_pointer<Caller> self, SimulatedHouse* house) {
  return self->state.make_behavior(house);
}

SimulatedHouse::SimulatedHouse(const Scenario& scenario, std::optional<std::uint64_t> schedule_seed,
                               HouseWitness& witness)
    : x_scenario{scenario},
      x_witness{witness},
      x_schedule_seed{schedule_seed},
      x_is_whole{!is_plain(scenario)},
      x_store{std::make_shared<ObservedStore>(
          [this](const StoreOp& op, const StoreResult& result) { x_witness.committed(op, result); },
          x_is_whole)} {
  ExecutorId id = 0;
  for (const BackendSpec& spec : scenario.backends) {
    Server& server = x_servers[spec.name];
    server.spec = &spec;
    server.state.capacity = spec.capacity.value_or(count_slots(scenario));
    server.id = ++id;
  }
  start(scenario.profiles);
}

SimulatedHouse::~SimulatedHouse() {
  x_is_dying = true;
  // Nothing of what its actors do while they are taken down is an event of the run.
  x_store->crash();
  x_caller = nullptr;
  x_house = {};
}

void SimulatedHouse::start(std::map<std::string, ProfileSettings> profiles) {
  // The lowest bit of an id seed does not count.
  x_world = std::make_unique<VirtualSystem>(VirtualOptions{.schedule_seed = x_schedule_seed,
                                                           .id_seed = 1 + 2U * x_starts,
                                                           .start = x_start + x_now,
                                                           .wall_offset = x_wall_offset});
  // Another life has other luck.
  if (x_schedule_seed) ++*x_schedule_seed;
  actors::HouseOptions options;
  options.broker.profiles = std::move(profiles);
  options.broker.commit = x_scenario.commit;
  options.broker.pools = x_scenario.pools;
  if (x_starts > 0) {
    auto backlog =
        actors::recover_backlog(*x_store, options.broker.max_attempts, x_world->wall()->now());
    SIGNALBOX_ASSERT(backlog.has_value());
    options.broker.backlog = std::move(*backlog);
    x_witness.recovered(*x_store);
  }
  // A recorder counts what rows of calls would tell, and commits take no time.
  options.has_batches = x_is_whole;
  options.has_call_rows = x_is_whole;
  options.gc = x_scenario.gc;
  if (!x_scenario.has_breaker) {
    options.breaker.failures_to_open = std::numeric_limits<std::uint32_t>::max();
  }
  options.registrar.rules.heartbeat_timeout = x_scenario.worker_timeout;
  options.registrar.make_joiner = [](TaskKind) { return std::make_unique<EmptyJoiner>(); };
  if (has_slow_disk(x_scenario)) {
    options.before_store = [this](caf::actor_system& system, actors::StoreActor store) {
      x_world->adopt(caf::actor_cast<caf::actor>(store));
      return actors::StoreActor{system.spawn(slow_disk, std::move(store), x_pace)};
    };
  }
  x_house = actors::build_house(x_world->system(), std::move(options),
                                actors::Ports{x_world->wall(), x_world->ids(), x_store});
  if (x_starts == 0) x_start = x_world->now();
  ++x_starts;
  x_caller = x_world->system().spawn(&SimulatedHouse::caller, this);
  for (const auto& actor :
       {caf::actor_cast<caf::actor>(x_house.broker), caf::actor_cast<caf::actor>(x_house.directory),
        caf::actor_cast<caf::actor>(x_house.store), caf::actor_cast<caf::actor>(x_house.registrar),
        caf::actor_cast<caf::actor>(x_house.push_desk), caf::actor_cast<caf::actor>(x_caller)}) {
    x_world->adopt(actor);
  }
  if (x_house.metrics) x_world->adopt(caf::actor_cast<caf::actor>(x_house.metrics));
  if (x_house.collector) x_world->adopt(caf::actor_cast<caf::actor>(*x_house.collector));
  for (const BackendSpec& spec : x_scenario.backends) spawn_server(x_servers.at(spec.name));
  run();
}

std::vector<Llm> SimulatedHouse::to_llms(const Server& server) const {
  std::vector<Llm> llms = llms_of(*server.spec, server.state.capacity);
  for (Llm& llm : llms) {
    llm.status = server.state.is_present ? LlmStatus::active : LlmStatus::inactive;
  }
  return llms;
}

void SimulatedHouse::spawn_server(Server& server) {
  const auto script = [this, spec = server.spec](const BackendCall& call) {
    return x_is_dying ? actors::Playback{} : x_witness.play(*spec, call);
  };
  if (server.spec->worker) return spawn_worker(server, script);
  const Slowdown& slowdown = server.spec->slowdown;
  if (slowdown.is_none()) {
    server.actor = x_world->system().spawn(
        actors::playback_actor,
        actors::PlaybackSetup{server.id, to_llms(server), script, x_house.directory});
  } else {
    server.actor = x_world->system().spawn(
        batching_server,
        BatchingSetup{server.id, to_llms(server), slowdown, script, x_house.directory});
  }
  x_world->adopt(caf::actor_cast<caf::actor>(server.actor));
}

void SimulatedHouse::spawn_worker(Server& server, actors::PlaybackScript script) {
  const Llm llm = to_llms(server).front();
  OfferedLlm offered;
  offered.name = llm.name;
  offered.model = llm.model.empty() ? llm.name : llm.model;
  offered.pool = llm.pool;
  offered.capacity = server.state.capacity;
  const bool sleeps = server.spec->worker->wakes_in.has_value();
  if (sleeps) offered.status = LlmStatus::hibernating;
  server.worker = x_world->system().spawn(
      bound_worker,
      BoundWorkerSetup{std::move(offered), *server.spec->worker, server.session,
                       server.state.is_present, std::move(script), x_house.registrar});
  x_world->adopt(caf::actor_cast<caf::actor>(server.worker));
}

// -- time -----------------------------------------------------------------------------------------

Duration SimulatedHouse::now() const {
  return x_world ? to_offset(x_world->now()) : x_now;
}

std::uint64_t SimulatedHouse::messages() const {
  return x_messages_before + (x_world ? x_world->steps() : 0);
}

std::optional<Duration> SimulatedHouse::next_timer() const {
  if (!x_world || !x_world->next_timer()) return std::nullopt;
  return to_offset(*x_world->next_timer());
}

void SimulatedHouse::run() {
  if (!x_world) return;
  if (!x_messages_left && !x_is_commit_watched && !x_is_stopping) {
    x_world->run();
    return;
  }
  while (x_world->has_message()) {
    const bool is_over = x_messages_left && *x_messages_left == 0;
    if (is_over || x_store->is_dead()) break;
    x_world->run_some(1);
    if (x_messages_left) --*x_messages_left;
  }
  if (must_die()) die();
}

bool SimulatedHouse::must_die() const {
  if (x_store->is_dead() || (x_messages_left && *x_messages_left == 0)) return true;
  return x_is_stopping && !is_writing();
}

void SimulatedHouse::pass_to(Duration until) {
  if (!x_world) {
    x_now = std::max(x_now, until);
  } else if (now() < until) {
    x_world->set_now(x_start + until);
  }
}

// -- what is done to it ---------------------------------------------------------------------------

TaskId SimulatedHouse::submit(actors::CallNumber number, const ClientSpec& client,
                              const Arrival& arrival, const std::string& idempotency_key) {
  SIGNALBOX_ASSERT(x_world);
  actors::SubmitTask submit;
  submit.call = number;
  submit.listener = x_caller;
  submit.task.id = TaskId{x_world->ids()->next()};
  submit.task.priority = client.priority;
  submit.task.profile = client.profile;
  submit.task.owner = client.owner;
  submit.task.streaming = client.streaming;
  if (!idempotency_key.empty()) {
    submit.task.idempotency_hash = idempotency_key;
    submit.task.request_hash = "the same";
  }
  submit.request = x_body;
  submit.target = client.target;
  submit.queue_wait = client.queue_wait;
  submit.inference = client.inference;
  submit.is_async = client.is_async;
  submit.session = session_of(client, arrival);
  const CallSize& size = arrival.size;
  if (client.declares_input) submit.size.tokens_in = size.tokens_in;
  if (client.declares_size) submit.size = {size.tokens_in, size.declared_out};
  const TaskId id = submit.task.id;
  caf::anon_send(x_house.broker, std::move(submit));
  return id;
}

void SimulatedHouse::cancel(TaskId task) {
  if (x_world) caf::anon_send(x_house.broker, actors::CancelTask{task});
}

void SimulatedHouse::hang_up(TaskId task, actors::CallNumber number) {
  if (x_world) caf::anon_send(x_house.broker, actors::CallerGone{task, number, x_caller});
}

SlotId SimulatedHouse::acquire_slot(actors::CallNumber number, const ClientSpec& client) {
  SIGNALBOX_ASSERT(x_world && client.slot);
  actors::AcquireSlot acquire;
  acquire.call = number;
  acquire.listener = x_caller;
  acquire.request.id = SlotId{x_world->ids()->next()};
  acquire.request.profile = client.profile;
  acquire.request.priority = client.priority;
  acquire.request.owner = client.owner;
  acquire.request.lease = client.slot->lease;
  acquire.queue_wait = client.queue_wait;
  acquire.inference = client.inference;
  const SlotId id = acquire.request.id;
  caf::anon_send(x_house.broker, std::move(acquire));
  return id;
}

void SimulatedHouse::renew_slot(SlotId slot, const std::string& owner) {
  if (x_world) caf::anon_send(x_house.broker, actors::RenewSlot{{slot, owner}});
}

void SimulatedHouse::release_slot(SlotId slot, const std::string& owner, SlotOutcome outcome) {
  if (!x_world) return;
  caf::anon_send(x_house.broker, actors::ReleaseSlot{{slot, owner}, std::move(outcome)});
}

void SimulatedHouse::drop_slot(SlotId slot) {
  if (x_world) caf::anon_send(x_house.broker, actors::DropSlot{slot});
}

void SimulatedHouse::configure(actors::ConfigureProfile change) {
  if (x_world) caf::anon_send(x_house.broker, std::move(change));
}

void SimulatedHouse::set_server(const std::string& backend, ServerState state) {
  Server& server = x_servers.at(backend);
  const ServerState before = std::exchange(server.state, state);
  if (!x_world || before == state) return;
  if (server.worker) {
    caf::anon_send(server.worker, WorkerOrder{state.is_present, state.capacity});
    return;
  }
  if (before.capacity != state.capacity) {
    caf::anon_send(x_house.directory, actors::PutLlms{server.id, server.actor, to_llms(server)});
  }
  if (before.is_present != state.is_present) {
    caf::anon_send(x_house.directory,
                   actors::SetBackendStatus{
                       server.id, state.is_present ? LlmStatus::active : LlmStatus::inactive});
  }
}

void SimulatedHouse::kill_server(const std::string& backend) {
  if (!x_world) return;
  const Server& server = x_servers.at(backend);
  if (server.worker) {
    caf::anon_send(server.worker, WorkerOrder{false, server.state.capacity, true});
  } else {
    caf::anon_send(server.actor, actors::LosePlaybacks{"it died"});
  }
}

ServerState SimulatedHouse::server(const std::string& backend) const {
  return x_servers.at(backend).state;
}

// -- what it says of itself -----------------------------------------------------------------------

actors::ProfileList SimulatedHouse::list_profiles() {
  return ask_in_order<actors::ProfileList>(*x_world, x_house.broker, actors::ListProfiles{});
}

std::vector<Llm> SimulatedHouse::list_llms() {
  return ask_in_order<actors::LlmList>(*x_world, x_house.directory, actors::ListLlms{}).table->llms;
}

std::optional<actors::Figures> SimulatedHouse::list_figures() {
  if (!x_house.metrics) return std::nullopt;
  return ask_in_order<actors::Figures>(*x_world, x_house.metrics, actors::GetFigures{});
}

std::size_t SimulatedHouse::running_actors() const {
  return x_world->system().registry().running();
}

std::size_t SimulatedHouse::pending_timers() const {
  return x_world->pending_timers();
}

}  // namespace signalbox::sim
