#include "tests/support/house_fixture.hpp"

#include <caf/scoped_actor.hpp>

#include "tests/support/plain_joiner.hpp"

namespace signalbox::testing {
namespace {

class ListenerState {
 public:
  explicit ListenerState(actors::TaskListener::pointer self) : x_self{self} {}
  actors::TaskListener::behavior_type make_behavior(std::shared_ptr<Ledger> ledger) {
    x_ledger = std::move(ledger);
    return {
        [this](const actors::TaskRefused& message) {
          call(message.call).refused = message;
          over(message.call);
        },
        [this](const actors::TaskAccepted& message) { call(message.call).accepted = message; },
        [this](const actors::TaskBegan& message) { call(message.call).began = message; },
        [this](const actors::TaskData& message) { call(message.call).data += *message.data; },
        [this](const actors::TaskMoved& message) {
          call(message.call).moves.push_back(message.task->state);
        },
        [this](const actors::TaskReset& message) {
          ++call(message.call).resets;
          call(message.call).data.clear();
        },
        [this](const actors::TaskEnded& message) {
          call(message.call).ended = message;
          over(message.call);
        },
    };
  }

 private:
  Told& call(actors::CallNumber number) { return x_ledger->calls[number]; }
  void over(actors::CallNumber number) {
    call(number).at = x_self->clock().now();
    x_ledger->order.push_back(number);
  }
  actors::TaskListener::pointer x_self;
  std::shared_ptr<Ledger> x_ledger;
};

actors::TaskListener::behavior_type listener(
    actors::TaskListener::stateful_pointer<ListenerState> self, std::shared_ptr<Ledger> ledger) {
  return self->state.make_behavior(std::move(ledger));
}

}  // namespace

HouseFixture::HouseFixture(actors::BrokerSettings settings, sim::VirtualOptions options,
                           FixtureOptions house_options)
    : x_settings{std::move(settings)},
      x_options{options},
      x_house_options{std::move(house_options)},
      x_store{std::make_shared<persistence::MemoryTaskStore>()} {
  build();
}

HouseFixture::~HouseFixture() {
  x_listener = nullptr;
  x_house = {};
  x_world.reset();
}

void HouseFixture::build() {
  x_world = std::make_unique<sim::VirtualSystem>(x_options);
  actors::HouseOptions options;
  options.broker = x_settings;
  options.registrar.rules = x_house_options.session_rules;
  options.registrar.make_joiner = [](TaskKind) { return std::make_unique<PlainJoiner>(); };
  options.gc = x_house_options.gc;
  options.session_retention_s = x_house_options.session_retention_s;
  options.push_desk = x_house_options.push_desk;
  auto backlog = actors::recover_backlog(*x_store, x_settings.max_attempts, x_world->wall()->now());
  SIGNALBOX_ASSERT(backlog.has_value());
  options.broker.backlog = std::move(*backlog);
  actors::Ports ports{x_world->wall(), x_world->ids(), x_store};
  x_house = actors::build_house(x_world->system(), std::move(options), ports);
  x_listener = x_world->system().spawn(listener, x_ledger);
  for (const auto& actor :
       {caf::actor_cast<caf::actor>(x_house.broker), caf::actor_cast<caf::actor>(x_house.directory),
        caf::actor_cast<caf::actor>(x_house.metrics), caf::actor_cast<caf::actor>(x_house.store),
        caf::actor_cast<caf::actor>(x_house.registrar),
        caf::actor_cast<caf::actor>(x_house.push_desk), caf::actor_cast<caf::actor>(x_listener)}) {
    x_world->adopt(actor);
  }
  if (x_house.collector) x_world->adopt(caf::actor_cast<caf::actor>(*x_house.collector));
  for (const auto& [name, spec] : x_backends) {
    actors::PlaybackSetup setup{spec.id, {spec.llm}, spec.script, x_house.directory};
    x_world->adopt(caf::actor_cast<caf::actor>(
        x_world->system().spawn(actors::playback_actor, std::move(setup))));
  }
  x_world->run();
}

void HouseFixture::add_backend(const std::string& llm, std::uint32_t capacity,
                               actors::PlaybackScript script, const std::string& pool) {
  BackendSpec spec;
  spec.llm.name = llm;
  spec.llm.model = "model-of-" + llm;
  spec.llm.kind = LlmKind::plugin;
  spec.llm.type = "playback";
  spec.llm.pool = pool;
  spec.llm.capacity = capacity;
  spec.llm.group = llm;
  spec.llm.status = LlmStatus::active;
  spec.script = std::move(script);
  spec.id = static_cast<ExecutorId>(x_backends.size() + 1);
  x_backends[llm] = spec;
  actors::PlaybackSetup setup{spec.id, {spec.llm}, spec.script, x_house.directory};
  x_world->adopt(caf::actor_cast<caf::actor>(
      x_world->system().spawn(actors::playback_actor, std::move(setup))));
  x_world->run();
}

void HouseFixture::set_present(const std::string& llm, bool is_present) {
  const auto status = is_present ? LlmStatus::active : LlmStatus::inactive;
  x_backends.at(llm).llm.status = status;
  caf::anon_send(x_house.directory, actors::SetBackendStatus{x_backends.at(llm).id, status});
  x_world->run();
}

actors::CallNumber HouseFixture::submit_later(const CallSpec& spec) {
  actors::SubmitTask submit;
  submit.call = x_next_call++;
  submit.listener = x_listener;
  submit.task.id = TaskId{x_world->ids()->next()};
  submit.task.priority = spec.priority;
  submit.task.streaming = spec.streaming;
  submit.task.fail_fast = spec.fail_fast;
  submit.task.profile = spec.profile;
  submit.task.owner = spec.owner;
  submit.task.agent = spec.agent;
  if (!spec.key.empty()) {
    submit.task.idempotency_hash = spec.key;
    submit.task.request_hash = spec.body;
  }
  submit.request = make_bytes(spec.body);
  submit.target = spec.target;
  submit.queue_wait = spec.queue_wait;
  submit.inference = spec.inference;
  submit.is_async = spec.is_async;
  submit.takes_absent = spec.takes_absent;
  submit.session = spec.session;
  submit.size = spec.size;
  x_tasks[submit.call] = submit.task.id;
  const actors::CallNumber number = submit.call;
  caf::anon_send(x_house.broker, std::move(submit));
  return number;
}

actors::CallNumber HouseFixture::submit(const CallSpec& spec) {
  const auto number = submit_later(spec);
  x_world->run();
  return number;
}

void HouseFixture::hang_up(actors::CallNumber call) {
  hang_up_later(call);
  x_world->run();
}

void HouseFixture::hang_up_later(actors::CallNumber call) {
  caf::anon_send(x_house.broker, actors::CallerGone{x_tasks.at(call), call, x_listener});
}

actors::CallNumber HouseFixture::observe(TaskId task, bool wants_past) {
  const auto number = observe_later(task, wants_past);
  x_world->run();
  return number;
}

actors::CallNumber HouseFixture::observe_later(TaskId task, bool wants_past) {
  actors::WatchTask watch;
  watch.call = x_next_call++;
  watch.listener = x_listener;
  watch.task = task;
  watch.is_observer = true;
  watch.wants_past = wants_past;
  x_tasks[watch.call] = task;
  caf::anon_send(x_house.broker, watch);
  return watch.call;
}

void HouseFixture::cancel(TaskId task) {
  ask<actors::Done>(*x_world, x_house.broker, actors::CancelTask{task});
}

void HouseFixture::configure(actors::ConfigureProfile change) {
  const auto status = ask<actors::ProfileStatus>(*x_world, x_house.broker, std::move(change));
  SIGNALBOX_ASSERT(status.error.code == ErrorCode::none);
}

actors::ProfileStatus HouseFixture::profile(const std::string& name) {
  return ask<actors::ProfileStatus>(*x_world, x_house.broker, actors::GetProfile{name});
}

std::vector<CallRow> HouseFixture::rows() {
  actors::ListCalls query;
  query.query.limit = 1000;
  const auto page = ask<actors::CallPage>(*x_world, x_house.metrics, query);
  std::vector<CallRow> rows;
  for (const auto& row : page.page.rows) rows.push_back(*row);
  return rows;
}

Task HouseFixture::stored(actors::CallNumber call) {
  const auto loaded = x_store->load(x_tasks.at(call));
  SIGNALBOX_ASSERT(loaded.has_value() && loaded->has_value());
  return **loaded;
}

void HouseFixture::kill_and_restart() {
  x_store->crash();
  x_listener = nullptr;
  x_house = {};
  x_world.reset();
  x_store->reopen();
  // The clock starts over; ids must not. The lowest bit of a seed does not count.
  x_options.id_seed += 2;
  build();
}

actors::PlaybackScript whole_answer(Duration service, std::string body) {
  return [service, body](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back(
        {service, BackendFinished{200, "application/json", make_bytes(body), nullptr}});
    return playback;
  };
}

actors::PlaybackScript stream_answer(int events, Duration gap) {
  return [events, gap](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back({gap, BackendBegan{200, "text/event-stream"}});
    for (int index = 0; index < events; ++index) {
      playback.steps.push_back({index == 0 ? Duration::zero() : gap,
                                BackendEvents{make_bytes("e" + std::to_string(index) + ";")}});
    }
    playback.steps.push_back(
        {Duration::zero(),
         BackendFinished{200, "text/event-stream", make_bytes("assembled"), make_bytes("done;")}});
    return playback;
  };
}

actors::PlaybackScript failure(ErrorCode code, bool is_retryable, Duration delay) {
  return [code, is_retryable, delay](const BackendCall&) {
    actors::Playback playback;
    playback.steps.push_back({delay, BackendFailed{make_error(code, "it failed"), is_retryable}});
    return playback;
  };
}

}  // namespace signalbox::testing
