// The daemon's plugins: started when the house is open, stopped before it closes.
#pragma once

#include <caf/actor_system.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/plugins/plugin_actor.hpp"
#include "cli/serve/plugin_library.hpp"
#include "cli/serve/plugin_threads.hpp"

namespace signalbox::cli {

/// How long a plugin's stop() and its calls under way may take.
inline constexpr std::chrono::seconds plugin_stop_patience{1};

class Plugins {
 public:
  explicit Plugins(std::vector<LoadedPlugin> loaded) : x_loaded{std::move(loaded)} {}
  ~Plugins();
  Plugins(const Plugins&) = delete;
  Plugins& operator=(const Plugins&) = delete;

  struct Watch {
    /// Something has begun that is worth waiting for: a start, an offer.
    std::function<void()> on_begin;
    /// It is there, or has failed.
    std::function<void()> on_done;
  };
  /// Each on a thread of its own.
  void start(caf::actor_system& system, const actors::House& house, const actors::Ports& ports,
             const MakeStreamJoiner& make_joiner, const Watch& watch);

  /// Tells each to stop and waits for them together. Afterwards none can reach the house.
  void stop();
  /// Code of a plugin may still run: the process must end without letting go of what it uses.
  [[nodiscard]] bool has_left_behind() const { return x_has_left_behind; }

 private:
  struct Running {
    std::string name;
    actors::PluginLog log;
    std::shared_ptr<actors::PluginGate> gate;
    std::shared_ptr<PluginThreads> threads;
    std::shared_ptr<actors::PluginHost> host;
    std::shared_ptr<plugin::Plugin> plugin;
    actors::PluginActor actor;
  };
  void start(Running& running, const Watch& watch);

  std::vector<LoadedPlugin> x_loaded;
  std::vector<Running> x_running;
  bool x_has_left_behind = false;
};

}  // namespace signalbox::cli
