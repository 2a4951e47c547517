#include "simulations/run.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <deque>
#include <memory>

#include "actors/house.hpp"
#include "actors/playback_actor.hpp"
#include "simulations/batching_server.hpp"
#include "simulations/observed_store.hpp"
#include "simulations/server_work.hpp"
#include "simulations/virtual_system.hpp"
#include "simulations/workload.hpp"

namespace signalbox::sim {
namespace {

/// The caller of every call: hands what it is told to the recorder.
class Caller {
 public:
  explicit Caller(actors::TaskListener::pointer self) : x_self{self} {}
  static inline const char* name = "caller";

  actors::TaskListener::behavior_type make_behavior(Recorder* recorder, Instant start) {
    x_recorder = recorder;
    x_start = start;
    return {
        [this](const actors::TaskRefused& message) { x_recorder->refused(message, now()); },
        [](const actors::TaskAccepted&) {},
        [](const actors::TaskBegan&) {},
        [](const actors::TaskData&) {},
        [](const actors::TaskMoved&) {},
        [](const actors::TaskReset&) {},
        [this](const actors::TaskEnded& message) { x_recorder->ended(message, now()); },
    };
  }

 private:
  [[nodiscard]] Duration now() const { return x_self->clock().now() - x_start; }

  actors::TaskListener::pointer x_self;
  Recorder* x_recorder = nullptr;
  Instant x_start{};
};

actors::TaskListener::behavior_type caller(actors::TaskListener::stateful_pointer<Caller> self,
                                           Recorder* recorder, Instant start) {
  return self->state.make_behavior(recorder, start);
}

/// A plain call's answer is whole text; nothing here reads one.
class EmptyJoiner final : public StreamJoiner {
 public:
  void add(std::string_view) override {}
  [[nodiscard]] std::string body() const override { return {}; }
};

/// One run: the world, the house in it, and who watches both.
class Run {
 public:
  Run(const Scenario& scenario, const RunOptions& options);

  Result<RunFigures> drive(Workload& workload);

 private:
  void build_house();
  void add_backend(const BackendSpec& spec, ExecutorId id);
  void call(const Arrival& arrival);
  [[nodiscard]] Duration now() const { return x_world.now() - x_start; }

  const Scenario& x_scenario;
  std::uint64_t x_seed;
  /// Before the world: its actors point here to their end.
  Recorder x_recorder;
  VirtualSystem x_world;
  /// By backend. A deque: its servers point into it.
  std::deque<ServerWork> x_works;
  std::shared_ptr<ObservedStore> x_store;
  actors::House x_house;
  actors::TaskListener x_caller;
  Instant x_start{};
  actors::CallNumber x_last_call = 0;
  Bytes x_body = make_bytes("{}");
};

Run::Run(const Scenario& scenario, const RunOptions& options)
    : x_scenario{scenario},
      x_seed{options.seed},
      x_recorder{scenario, options.observer},
      x_world{{.schedule_seed = options.schedule_seed}},
      x_store{std::make_shared<ObservedStore>(
          [this](TaskId task, TaskState state) { x_recorder.stored(task, state, now()); })} {
  build_house();
}

void Run::build_house() {
  actors::HouseOptions options;
  options.broker.profiles = x_scenario.profiles;
  options.broker.commit = x_scenario.commit;
  options.has_batches = false;
  // The recorder counts what they would tell.
  options.has_call_rows = false;
  options.registrar.make_joiner = [](TaskKind) { return std::make_unique<EmptyJoiner>(); };
  x_house = actors::build_house(x_world.system(), std::move(options),
                                actors::Ports{x_world.wall(), x_world.ids(), x_store});
  x_start = x_world.now();
  x_caller = x_world.system().spawn(caller, &x_recorder, x_start);
  for (const auto& actor :
       {caf::actor_cast<caf::actor>(x_house.broker), caf::actor_cast<caf::actor>(x_house.directory),
        caf::actor_cast<caf::actor>(x_house.store), caf::actor_cast<caf::actor>(x_house.registrar),
        caf::actor_cast<caf::actor>(x_house.push_desk), caf::actor_cast<caf::actor>(x_caller)}) {
    x_world.adopt(actor);
  }
  ExecutorId id = 0;
  for (const BackendSpec& spec : x_scenario.backends) add_backend(spec, ++id);
  x_world.run();
}

void Run::add_backend(const BackendSpec& spec, ExecutorId id) {
  auto llms = llms_of(spec, spec.capacity.value_or(count_slots(x_scenario)));
  const auto begin = [this, work = &x_works.emplace_back(spec)](const BackendCall& call) {
    return work->begin(call.model, x_recorder.size_of(call.task));
  };
  const auto answer = [this, &spec](const BackendCall& call) {
    return BackendFinished{200, "application/json", usage_body(spec, x_recorder.size_of(call.task)),
                           nullptr};
  };
  auto& system = x_world.system();
  if (!spec.slowdown.is_none()) {
    x_world.adopt(caf::actor_cast<caf::actor>(system.spawn(
        batching_server,
        BatchingSetup{id, std::move(llms), spec.slowdown, begin, answer, x_house.directory})));
    return;
  }
  const auto script = [begin, answer](const BackendCall& call) {
    actors::Playback playback;
    playback.steps.push_back({begin(call), answer(call)});
    return playback;
  };
  x_world.adopt(caf::actor_cast<caf::actor>(
      system.spawn(actors::playback_actor,
                   actors::PlaybackSetup{id, std::move(llms), script, x_house.directory})));
}

void Run::call(const Arrival& arrival) {
  const ClientSpec& client = x_scenario.clients[arrival.client];
  actors::SubmitTask submit;
  submit.call = ++x_last_call;
  submit.listener = x_caller;
  submit.task.id = TaskId{x_world.ids()->next()};
  submit.task.priority = client.priority;
  submit.task.profile = client.profile;
  submit.task.owner = client.owner;
  submit.request = x_body;
  submit.target = client.target;
  submit.queue_wait = client.queue_wait;
  submit.inference = client.inference;
  if (client.declares_size) {
    submit.size = {arrival.size.tokens_in, arrival.size.declared_out};
  }
  x_recorder.called(submit.task.id, arrival);
  caf::anon_send(x_house.broker, std::move(submit));
}

Result<RunFigures> Run::drive(Workload& workload) {
  while (true) {
    auto arrival = workload.next();
    if (arrival.has_error()) return arrival.error();
    if (!*arrival) break;
    x_world.run_until(x_start + (*arrival)->at);
    call(**arrival);
  }
  // Every wait and every run has a budget, so this ends.
  while (x_recorder.open() > 0 && x_world.run_next_timer()) {
  }
  SIGNALBOX_ASSERT(x_recorder.open() == 0);
  RunFigures figures = x_recorder.take(now());
  figures.seed = x_seed;
  figures.messages = x_world.steps();
  for (const ServerWork& work : x_works) figures.swaps += work.swaps();
  return figures;
}

}  // namespace

Result<RunFigures> run(const Scenario& scenario, const RunOptions& options) {
  for (const auto& [name, settings] : scenario.profiles) {
    if (auto error = check(settings)) return std::move(*error);
  }
  auto workload = Workload::open(scenario, options.seed, options.traces);
  if (workload.has_error()) return workload.error();
  return Run{scenario, options}.drive(*workload);
}

}  // namespace signalbox::sim
