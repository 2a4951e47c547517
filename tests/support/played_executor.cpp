#include "tests/support/played_executor.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "actors/backends/upstream_actor.hpp"
#include "tests/support/plugin_fixture.hpp"
#include "tests/support/worker_fixture.hpp"

namespace signalbox::testing {
namespace {

constexpr const char* stream_type = "text/event-stream";
constexpr std::chrono::seconds beat_interval{10};

std::string event_of(const std::string& data) {
  return "data: " + data + "\n\n";
}

/// What stands behind the Backend port.
class PlayedBehindPort : public PlayedExecutor {
 public:
  explicit PlayedBehindPort(HouseFixture& house) : x_house{house} {}

  void die() override {
    x_server->is_down = true;
    for (PlayedServer::Call& call : x_server->calls) {
      if (call.has_ended) continue;
      call.end(BackendFailed{make_error(ErrorCode::backend_stream_failed, "cut"), true});
    }
    x_house.world().run();
  }

  std::vector<TaskId> running() override {
    std::vector<TaskId> tasks;
    for (const PlayedServer::Call& call : x_server->calls) {
      if (!call.has_ended) tasks.push_back(call.call.task);
    }
    return tasks;
  }
  std::size_t given() override { return x_server->calls.size(); }
  bool was_stopped(TaskId task) override {
    return std::any_of(x_server->calls.begin(), x_server->calls.end(), [task](const auto& call) {
      return call.call.task == task && call.is_cancelled;
    });
  }

  // A server may say what it likes after it was told to stop; nobody listens to it.
  void answer(TaskId task, const std::string& body) override {
    PlayedServer::Call* call = open_call(task);
    if (call == nullptr) return;
    call->end(BackendFinished{200, "application/json", make_bytes(body), nullptr});
    x_house.world().run();
  }
  void say(TaskId task, const std::string& data) override {
    PlayedServer::Call* call = open_call(task);
    if (call == nullptr) return;
    if (!call->has_begun) call->listener(BackendBegan{200, stream_type});
    call->has_begun = true;
    call->said += data;
    call->listener(BackendEvents{make_bytes(event_of(data))});
    x_house.world().run();
  }
  void finish(TaskId task) override {
    PlayedServer::Call* call = open_call(task);
    if (call == nullptr) return;
    call->end(
        BackendFinished{200, stream_type, make_bytes(call->said), make_bytes(event_of("[DONE]"))});
    x_house.world().run();
  }
  void fail(TaskId task, bool is_retryable) override {
    PlayedServer::Call* call = open_call(task);
    if (call == nullptr) return;
    call->end(BackendFailed{make_error(ErrorCode::backend_error, "out of memory"), is_retryable});
    x_house.world().run();
  }

 protected:
  PlayedServer::Call* open_call(TaskId task) {
    const auto place = std::find_if(
        x_server->calls.begin(), x_server->calls.end(),
        [task](const auto& call) { return call.call.task == task && !call.has_ended; });
    return place == x_server->calls.end() ? nullptr : &*place;
  }

  HouseFixture& x_house;
  std::shared_ptr<PlayedServer> x_server = std::make_shared<PlayedServer>();
};

class PlayedUpstream final : public PlayedBehindPort {
 public:
  PlayedUpstream(HouseFixture& house, ExecutorId id, const std::string& name,
                 std::uint32_t capacity)
      : PlayedBehindPort{house} {
    actors::UpstreamSetup setup;
    setup.id = id;
    setup.settings.name = name;
    setup.settings.models = {"model-of-" + name};
    setup.settings.pool = shared_pool;
    setup.settings.capacity = capacity;
    setup.backend = std::make_shared<PlayedBackend>(x_server);
    setup.directory = house.house().directory;
    auto actor = house.world().system().spawn(actors::upstream_actor, std::move(setup));
    house.world().adopt(caf::actor_cast<caf::actor>(actor));
    house.world().run();
  }
  void come_up() override { x_server->is_down = false; }
};

/// An LLM that a plugin offers. What runs its calls is played; that its threads keep the promises
/// of the Backend port is plugin_threads_test's to show.
class PlayedPlugin final : public PlayedBehindPort {
 public:
  PlayedPlugin(HouseFixture& house, const std::string& name, std::uint32_t capacity)
      : PlayedBehindPort{house},
        x_plugin{house, "plugin-of-" + name, std::make_unique<Offering>(name, capacity),
                 std::make_shared<Runner>(x_server)} {}
  void come_up() override { x_server->is_down = false; }

 private:
  class Runner final : public InlineRunner {
   public:
    explicit Runner(std::shared_ptr<PlayedServer> server) : x_played{std::move(server)} {}
    std::shared_ptr<Backend> make_backend(std::shared_ptr<plugin::Backend>,
                                          std::uint32_t) override {
      return std::make_shared<PlayedBackend>(x_played);
    }

   private:
    std::shared_ptr<PlayedServer> x_played;
  };
  class Unused final : public plugin::Backend {
    plugin::Answer run(plugin::Call&) override { return {}; }
  };
  class Offering final : public plugin::Plugin {
   public:
    Offering(std::string name, std::uint32_t capacity)
        : x_name{std::move(name)}, x_capacity{capacity} {}
    void start(plugin::Host& host) override {
      plugin::LlmOffer offer;
      offer.name = x_name;
      offer.pool = shared_pool;
      offer.capacity = x_capacity;
      host.offer(offer, std::make_shared<Unused>());
    }

   private:
    std::string x_name;
    std::uint32_t x_capacity;
  };

  PluginFixture x_plugin;
};

class PlayedPushWorker final : public PlayedBehindPort {
 public:
  PlayedPushWorker(HouseFixture& house, std::shared_ptr<PlayedServer> server, std::uint16_t port,
                   const std::string& name, std::uint32_t capacity)
      : PlayedBehindPort{house} {
    x_server = std::move(server);
    x_pulse.owner = "local";
    x_pulse.heartbeat = {name,   shared_pool, "cpu",   "127.0.0.1", port, PushStatus::ready,
                         "test", "1",         capacity};
    beat();
  }
  void come_up() override {
    x_server->is_down = false;
    beat();
  }
  void beat() override {
    if (x_server->is_down) return;
    const auto heard = ask<actors::PushAnswer>(x_house.world(), x_house.house().push_desk, x_pulse);
    SIGNALBOX_ASSERT(heard.error.code == ErrorCode::none);
    x_house.world().run();
  }

 private:
  actors::HearPushWorker x_pulse;
};

class PlayedBoundWorker final : public PlayedExecutor {
 public:
  PlayedBoundWorker(HouseFixture& house, const std::string& name, std::uint32_t capacity)
      : x_worker{house}, x_llm{offered(name, capacity, shared_pool)} {
    come_up();
  }

  void come_up() override {
    x_worker.offer({x_llm});
    x_worker.bind();
    x_is_up = true;
  }
  void die() override {
    note_frames();
    x_is_up = false;
    x_running.clear();
    x_worker.unbind();
  }
  void beat() override {
    if (x_is_up) x_worker.heartbeat();
  }

  std::vector<TaskId> running() override {
    note_frames();
    return x_running;
  }
  std::size_t given() override {
    note_frames();
    return x_given;
  }
  bool was_stopped(TaskId task) override {
    note_frames();
    return std::count(x_stopped.begin(), x_stopped.end(), task) > 0;
  }

  void answer(TaskId task, const std::string& body) override {
    end(task);
    x_worker.finish(task, body);
  }
  void say(TaskId task, const std::string& data) override { x_worker.chunk(task, {data}); }
  void finish(TaskId task) override {
    end(task);
    x_worker.done(task);
  }
  void fail(TaskId task, bool is_retryable) override {
    end(task);
    x_worker.fail(task, is_retryable);
  }

 private:
  void end(TaskId task) {
    note_frames();
    std::erase(x_running, task);
  }
  /// Takes up what has come over the channel meanwhile.
  void note_frames() {
    ChannelLog& log = x_worker.log();
    for (const auto& infer : log.infers) x_running.push_back(infer.task->id);
    x_given += log.infers.size();
    for (const TaskId task : log.cancels) {
      std::erase(x_running, task);
      x_stopped.push_back(task);
    }
    log.infers.clear();
    log.cancels.clear();
  }

  WorkerFixture x_worker;
  OfferedLlm x_llm;
  bool x_is_up = false;
  std::vector<TaskId> x_running;
  std::vector<TaskId> x_stopped;
  std::size_t x_given = 0;
};

}  // namespace

std::string_view to_string(ExecutorKind kind) {
  switch (kind) {
    case ExecutorKind::upstream:
      return "upstream";
    case ExecutorKind::bound_worker:
      return "bound worker";
    case ExecutorKind::push_worker:
      return "push worker";
    case ExecutorKind::plugin:
      return "plugin";
  }
  return "";
}

ExecutorKind each_executor_kind() {
  const auto kind = GENERATE(from_range(all_executor_kinds));
  return kind;
}

ExecutorWorld::ExecutorWorld(ExecutorKind kind, actors::BrokerSettings settings)
    : x_kind{kind}, x_house{std::move(settings), {}, options()} {}

FixtureOptions ExecutorWorld::options() const {
  FixtureOptions options;
  options.push_desk.make_backend = [servers = x_servers](const std::string&, std::uint16_t port,
                                                         const std::string&) {
    return std::make_shared<PlayedBackend>(servers->at(port));
  };
  return options;
}

PlayedExecutor& ExecutorWorld::add(const std::string& name, std::uint32_t capacity) {
  const auto number = static_cast<std::uint16_t>(x_executors.size() + 1);
  switch (x_kind) {
    case ExecutorKind::upstream:
      x_executors.push_back(std::make_unique<PlayedUpstream>(x_house, number, name, capacity));
      break;
    case ExecutorKind::bound_worker:
      x_executors.push_back(std::make_unique<PlayedBoundWorker>(x_house, name, capacity));
      break;
    case ExecutorKind::plugin:
      x_executors.push_back(std::make_unique<PlayedPlugin>(x_house, name, capacity));
      break;
    case ExecutorKind::push_worker: {
      auto& server = (*x_servers)[number];
      server = std::make_shared<PlayedServer>();
      x_executors.push_back(
          std::make_unique<PlayedPushWorker>(x_house, server, number, name, capacity));
      break;
    }
  }
  return *x_executors.back();
}

actors::CallNumber ExecutorWorld::submit(CallSpec spec) {
  spec.target = shared_pool;
  return x_house.submit(spec);
}

void ExecutorWorld::pass(Duration duration) {
  const Instant end = world().now() + duration;
  while (world().now() < end) {
    world().run_until(std::min(end, world().now() + beat_interval));
    for (const auto& executor : x_executors) executor->beat();
  }
}

std::vector<Llm> ExecutorWorld::llms() {
  return ask<actors::LlmList>(world(), x_house.house().directory, actors::ListLlms{}).table->llms;
}

bool ExecutorWorld::is_idle() {
  for (const Llm& llm : llms()) {
    if (llm.running > 0) return false;
  }
  for (const CallRow& row : x_house.rows()) {
    if (row.finished_at == WallTime{}) return false;
    if (x_house.profile(row.profile).occupancy.in_flight > 0) return false;
  }
  return true;
}

}  // namespace signalbox::testing
