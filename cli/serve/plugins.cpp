#include "cli/serve/plugins.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <cstdio>

#include "cli/client/failure.hpp"

namespace signalbox::cli {
namespace {

/// Executors of plugins are numbered between the upstreams and the workers.
constexpr ExecutorId first_plugin_executor = 1U << 16U;

/// Plugins may say many lines on one; each is under the plugin's name.
void log_line(const std::string& name, std::string_view text) {
  const std::string line = "signalbox: plugin " + name + ": " + to_printable(text) + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace

Plugins::~Plugins() {
  stop();
}

void Plugins::start(caf::actor_system& system, const actors::House& house,
                    const actors::Ports& ports, const MakeStreamJoiner& make_joiner,
                    const Watch& watch) {
  for (LoadedPlugin& loaded : x_loaded) {
    Running running;
    running.name = loaded.name;
    running.log = [name = loaded.name](std::string_view line) { log_line(name, line); };
    running.gate = std::make_shared<actors::PluginGate>();
    running.threads = std::make_shared<PluginThreads>(make_joiner);
    running.host =
        std::make_shared<actors::PluginHost>(running.gate, ports.ids, running.log, watch.on_begin);
    running.plugin = std::move(loaded.plugin);
    actors::PluginSetup setup;
    setup.name = loaded.name;
    setup.first_executor = first_plugin_executor +
                           static_cast<ExecutorId>(x_running.size() * actors::plugin_offers_max);
    setup.house = house;
    setup.ports = ports;
    setup.runner = running.threads;
    setup.gate = running.gate;
    setup.log = running.log;
    setup.on_offered = watch.on_done;
    running.actor = system.spawn(actors::plugin_actor, std::move(setup));
    running.gate->open(running.actor);
    start(running, watch);
    x_running.push_back(std::move(running));
  }
  x_loaded.clear();
}

void Plugins::start(Running& running, const Watch& watch) {
  watch.on_begin();
  running.threads->post(
      [plugin = running.plugin, host = running.host, gate = running.gate, log = running.log,
       on_done = watch.on_done] {
        const bool has_started = actors::guarded(log, "start", [&] { plugin->start(*host); });
        if (!has_started) gate->send(actors::WithdrawPlugin{});
        on_done();
      },
      false);
}

void Plugins::stop() {
  const auto until = std::chrono::steady_clock::now() + plugin_stop_patience;
  for (Running& running : x_running) {
    running.threads->shut([plugin = std::move(running.plugin), log = running.log]() mutable {
      actors::guarded(log, "stop", [&] { plugin->stop(); });
      plugin.reset();
    });
  }
  for (Running& running : x_running) {
    const bool has_ended = running.threads->wait(until);
    if (!has_ended) running.log("does not stop: it is left behind");
    x_has_left_behind = x_has_left_behind || !has_ended;
    running.gate->shut();
    caf::anon_send_exit(running.actor, caf::exit_reason::user_shutdown);
  }
  x_running.clear();
}

}  // namespace signalbox::cli
