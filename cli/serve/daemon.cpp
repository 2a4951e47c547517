#include "cli/serve/daemon.hpp"

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdlib>
#include <future>
#include <thread>

#include "actors/backends/playback_actor.hpp"
#include "actors/backends/upstream_actor.hpp"
#include "actors/broker/broker_actor.hpp"
#include "cli/serve/system_ports.hpp"
#include "http/front/call_options.hpp"
#include "http/front/error_response.hpp"
#include "http/upstream/echo_script.hpp"
#include "http/upstream/stream_joiner.hpp"
#include "http/upstream/upstream_client.hpp"
#include "persistence/lmdb_task_store.hpp"

namespace signalbox::cli {
namespace {

/// How long a start waits for the configured servers to answer for the first time.
constexpr std::chrono::seconds first_answer_patience{2};
/// For answers that are on their way out when the connections are cut.
constexpr std::chrono::milliseconds cut_grace{250};
constexpr std::chrono::milliseconds drain_poll{20};
/// The front only puts a word into each caller's box.
constexpr std::chrono::seconds dismiss_patience{1};
/// From the order to stop to the last actor's end it is a moment.
constexpr std::chrono::seconds actors_patience{5};
constexpr std::chrono::milliseconds actors_poll{1};
constexpr std::size_t aborting_calls_max = 64;
constexpr ExecutorId echo_executor = 1;

Result<std::shared_ptr<Backend>> make_backend(const config::UpstreamSettings& settings) {
  auto base = http::parse_base_url(settings.url);
  if (base.has_error()) return base.error();
  http::UpstreamOptions options;
  options.base = std::move(*base);
  options.type = settings.type;
  // Leases keep the calls within the capacity; the rest is for those that are just being aborted.
  options.max_calls = settings.capacity.value_or(1) + aborting_calls_max;
  if (!settings.api_key_env.empty()) {
    if (const char* key = std::getenv(settings.api_key_env.c_str())) options.api_key = key;
  }
  return std::shared_ptr<Backend>{std::make_shared<http::HttpBackend>(std::move(options))};
}

http::ServerOptions server_options(const config::HttpSettings& settings) {
  http::ServerOptions options;
  options.bind = settings.bind;
  options.port = settings.port;
  options.max_body_bytes = settings.max_body_bytes;
  options.max_unfinished_body_bytes = settings.max_unfinished_body_bytes;
  options.max_requests = settings.max_requests;
  return options;
}

}  // namespace

struct Daemon::Probes {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t open = 0;
};

Daemon::Daemon(config::Settings settings, std::vector<LoadedPlugin> plugins, Reload reload, Log log)
    : x_settings{std::move(settings)},
      x_reload{std::move(reload)},
      x_plugins{std::move(plugins)},
      x_probes{std::make_shared<Probes>()} {
  // Work sharing sleeps on a condition variable when idle; work stealing polls.
  x_config.set("scheduler.policy", caf::atom("sharing"));
  x_config.set("scheduler.max-threads", std::size_t{2});
  x_ports.log = std::move(log);
}

Daemon::~Daemon() {
  stop(std::chrono::milliseconds{0});
}

Result<void> Daemon::open_store() {
  persistence::LmdbTaskStore::Options options;
  options.path = x_settings.store.path;
  options.map_size_bytes = std::size_t{x_settings.store.map_size_gb} << 30U;
  auto opened = persistence::LmdbTaskStore::open(options);
  if (opened.has_error()) return opened.error();
  x_ports.wall = std::make_shared<SystemWallClock>();
  x_ports.ids = std::make_shared<SystemIdSource>();
  x_ports.store = std::move(*opened);
  auto backlog =
      actors::recover_backlog(*x_ports.store, x_settings.tasks.max_attempts, x_ports.wall->now());
  if (backlog.has_error()) return backlog.error();
  x_backlog = std::move(*backlog);
  std::size_t waiting = 0;
  for (const auto& [profile, turns] : x_backlog) waiting += turns.size();
  if (waiting > 0 && x_ports.log) {
    x_ports.log(std::to_string(waiting) + " tasks of before wait in line again");
  }
  return {};
}

Result<std::uint16_t> Daemon::start() {
  if (auto opened = open_store(); opened.has_error()) return opened.error();
  x_system = std::make_unique<caf::actor_system>(x_config);
  x_system->await_actors_before_shutdown(false);
  actors::HouseOptions options;
  options.is_detached = true;
  options.broker.profiles = x_settings.profiles;
  options.broker.default_choice = x_settings.default_choice;
  options.broker.pools = x_settings.pools;
  options.broker.commit = x_settings.store.commit;
  options.broker.max_attempts = x_settings.tasks.max_attempts;
  options.broker.max_backlog = x_settings.tasks.max_backlog;
  options.broker.backlog = std::move(x_backlog);
  options.broker.agents = x_settings.agents;
  options.registrar.rules = {std::chrono::seconds{x_settings.workers.heartbeat_timeout_s},
                             std::chrono::seconds{x_settings.workers.wake_timeout_s}};
  options.registrar.make_joiner = http::make_stream_joiner();
  options.push_desk.heartbeat_timeout = options.registrar.rules.heartbeat_timeout;
  x_push_client = std::make_unique<http::PushClient>();
  options.push_desk.make_backend = [client = x_push_client.get()](const std::string& host,
                                                                  std::uint16_t port,
                                                                  const std::string& model) {
    return client->backend_for({host, port, model});
  };
  options.session_retention_s = x_settings.workers.inactive_retention_s;
  options.gc = x_settings.gc;
  x_house = actors::build_house(*x_system, std::move(options), x_ports);
  spawn_backends();
  start_plugins();

  x_services = std::make_shared<http::Services>();
  x_services->front = x_system->spawn(http::front_actor, x_house);
  x_services->events = x_system->spawn(
      http::events_actor, http::EventsSetup{x_house, x_ports.store, SIGNALBOX_VERSION});
  x_services->version = SIGNALBOX_VERSION;
  x_services->ports = x_ports;
  x_services->allowed_hosts = x_settings.http.allowed_hosts;
  x_services->push_hosts = x_settings.workers.allow_hosts;
  x_services->await_timeout = std::chrono::seconds{x_settings.tasks.await_timeout_s};
  x_services->heartbeat_interval = std::chrono::seconds{x_settings.workers.heartbeat_interval_s};
  x_services->reload = [this] { return reload(); };
  x_application = std::make_unique<http::Application>(x_services, x_settings.auth);
  x_server = std::make_unique<http::Server>(
      server_options(x_settings.http),
      [this](const http::Request& request, http::Responder& responder) {
        x_application->handle(request, responder);
      },
      [ids = x_ports.ids](const http::EarlyError& early) {
        const http::Headers given{{"X-Request-Id", std::string{early.request_id}}};
        const auto id = http::read_request_id(given).value_or(format_id(ids->next()));
        http::Response response;
        response.status = early.status;
        response.body = http::error_body(make_error(early.code, std::string{early.message}), id);
        response.headers.emplace_back("X-Request-Id", id);
        return response;
      });
  auto port = x_server->bind();
  if (port.has_error()) return port;
  x_server->run();
  wait_for_backends();
  x_services->is_ready = true;
  return port;
}

void Daemon::spawn_backends() {
  if (x_settings.echo.enabled) {
    actors::PlaybackSetup setup{echo_executor,
                                {http::make_echo_llm(x_settings.echo)},
                                http::make_echo_script(x_settings.echo),
                                x_house.directory};
    x_executors.push_back(
        caf::actor_cast<caf::actor>(x_system->spawn(actors::playback_actor, std::move(setup))));
  }
  const auto upstreams = x_settings.upstreams.value_or(config::well_known_upstreams());
  ExecutorId next_id = echo_executor + 1;
  for (const auto& settings : upstreams) {
    auto backend = make_backend(settings);
    // The configuration was checked; what is no URL has been refused.
    SIGNALBOX_ASSERT(backend.has_value());
    {
      const std::lock_guard lock{x_probes->mutex};
      ++x_probes->open;
    }
    actors::UpstreamSetup setup;
    setup.id = next_id++;
    setup.settings = settings;
    setup.backend = std::move(*backend);
    setup.directory = x_house.directory;
    setup.on_first_answer = [probes = x_probes] {
      const std::lock_guard lock{probes->mutex};
      --probes->open;
      probes->changed.notify_all();
    };
    x_executors.push_back(
        caf::actor_cast<caf::actor>(x_system->spawn(actors::upstream_actor, std::move(setup))));
  }
}

void Daemon::start_plugins() {
  const auto note = [probes = x_probes](std::size_t change) {
    const std::lock_guard lock{probes->mutex};
    probes->open += change;
    probes->changed.notify_all();
  };
  const Plugins::Watch watch{[note] { note(1); }, [note] { note(std::size_t{0} - 1); }};
  x_plugins.start(*x_system, x_house, x_ports, http::make_stream_joiner(), watch);
}

// Who asks right after the start should find the servers that are there.
void Daemon::wait_for_backends() {
  std::unique_lock lock{x_probes->mutex};
  x_probes->changed.wait_for(lock, first_answer_patience, [this] { return x_probes->open == 0; });
}

std::optional<Error> Daemon::reload() {
  auto settings = x_reload();
  if (settings.has_error()) return settings.error();
  if (auto error = x_application->replace_keys(std::move(settings->auth))) return error;
  auto done =
      http::ask<actors::Done>(*x_services, actors::ApplyProfiles{std::move(settings->profiles)});
  if (done.has_error()) return done.error();
  done = http::ask<actors::Done>(
      *x_services, actors::ApplyPools{settings->default_choice, std::move(settings->pools)});
  if (done.has_error()) return done.error();
  return std::nullopt;
}

std::vector<std::string> Daemon::model_names() {
  std::vector<std::string> names;
  const auto list = http::ask<actors::LlmList>(*x_services, actors::ListLlms{});
  if (list.has_error()) return names;
  for (const Llm& llm : list->table->llms) {
    if (llm.status != LlmStatus::inactive) names.push_back(llm.name);
  }
  return names;
}

// Waits until everything that was sent to the store before this has been committed.
void Daemon::flush_store() {
  auto written = std::make_shared<std::promise<void>>();
  const auto probe =
      [](actors::StoreClient::pointer self,
         std::shared_ptr<std::promise<void>> done) -> actors::StoreClient::behavior_type {
    return {[done, self](const actors::StoreAnswer&) {
      done->set_value();
      self->quit();
    }};
  };
  actors::StoreWrite last;
  last.op = PutDocument{"daemon", "stopped", "in good order"};
  last.client = x_system->spawn(probe, written);
  caf::anon_send(x_house.store, std::move(last));
  written->get_future().wait_for(std::chrono::seconds{10});
}

// New calls are refused meanwhile, by the broker, in words; the port stays open so that they can
// be.
void Daemon::wait_for_calls(std::chrono::milliseconds grace) {
  const auto end = std::chrono::steady_clock::now() + grace;
  while (x_services && std::chrono::steady_clock::now() < end &&
         (x_services->calls_in_progress > 0 || are_workers_busy())) {
    std::this_thread::sleep_for(drain_poll);
  }
}

// Their sessions take nothing new; what they hold may come to its end.
bool Daemon::are_workers_busy() {
  const auto list = http::ask<actors::WorkerList>(*x_services, actors::ListWorkers{"", true});
  if (list.has_error()) return false;
  return std::any_of(list->workers.begin(), list->workers.end(),
                     [](const auto& worker) { return worker.in_flight > 0; });
}

// One that is cut off by the end of its world leaves what it holds behind, such as a handle on the
// store's actor, for whose thread that end then waits without end.
void Daemon::wait_for_actors() {
  const auto end = std::chrono::steady_clock::now() + actors_patience;
  while (x_system->registry().running() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(actors_poll);
  }
}

// Who still waits is told what happens, in place of a connection that just closes.
void Daemon::dismiss_calls() {
  Error error = actors::draining();
  error.message += "; a task that was accepted goes on when it is back";
  const auto told = std::make_shared<http::ReplyBox>();
  caf::anon_send(x_services->front, http::DismissCalls{std::move(error), told});
  told->take(http::ReplyBox::Clock::now() + dismiss_patience);
}

void Daemon::stop(std::chrono::milliseconds grace) {
  if (!x_system) return;
  if (x_services) {
    x_services->is_ready = false;
    actors::begin_drain(x_house);
  }
  if (x_server) {
    wait_for_calls(grace);
    if (x_services) {
      x_services->is_stopping = true;
      dismiss_calls();
    }
    x_server->stop(cut_grace);
  }
  if (x_services) {
    http::ask<actors::Done>(*x_services, actors::ShelveTasks{});
    http::ask<actors::Done>(*x_services, actors::SaveCalls{});
  }
  x_plugins.stop();
  flush_store();
  for (const caf::actor& executor : x_executors) {
    caf::anon_send_exit(executor, caf::exit_reason::user_shutdown);
  }
  x_executors.clear();
  actors::close_house(*x_system, x_house);
  x_server.reset();
  x_application.reset();
  if (x_services) {
    caf::anon_send_exit(x_services->events, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(x_services->front, caf::exit_reason::user_shutdown);
  }
  x_services.reset();
  x_house = {};
  // Its calls' last events go to actors.
  x_push_client.reset();
  wait_for_actors();
  x_system.reset();
  x_ports = {};
}

}  // namespace signalbox::cli
