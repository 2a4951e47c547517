// The daemon put together: store, house, backends, server. serve.cpp starts and stops it.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/house.hpp"
#include "cli/serve/plugins.hpp"
#include "config/settings.hpp"
#include "http/application.hpp"
#include "http/edge/server.hpp"
#include "http/push/push_client.hpp"

namespace signalbox::cli {

class Daemon {
 public:
  /// @param reload reads the configuration again, or says what is wrong.
  using Reload = std::function<Result<config::Settings>()>;

  /// Takes a line for whoever runs the daemon, from any thread.
  using Log = std::function<void(const std::string&)>;

  /// @param log null = nobody reads it.
  Daemon(config::Settings settings, std::vector<LoadedPlugin> plugins, Reload reload, Log log);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Opens the store, takes up its backlog, binds the port and serves. @returns the port.
  Result<std::uint16_t> start();

  /// Puts the configuration's profiles and pools in force again.
  std::optional<Error> reload();

  /// Accepts no more, lets calls end for at most `grace`, writes what is to be written.
  void stop(std::chrono::milliseconds grace);

  /// Names that a call can go to now.
  [[nodiscard]] std::vector<std::string> model_names();

  /// After stop(): a plugin's code may still run, and the process must end without unwinding.
  [[nodiscard]] bool has_left_behind() const { return x_plugins.has_left_behind(); }

 private:
  Result<void> open_store();
  void spawn_backends();
  void start_plugins();
  void wait_for_backends();
  void wait_for_calls(std::chrono::milliseconds grace);
  void dismiss_calls();
  void wait_for_actors();
  [[nodiscard]] bool are_workers_busy();
  void flush_store();

  config::Settings x_settings;
  Reload x_reload;
  caf::actor_system_config x_config;
  actors::Ports x_ports;
  std::map<std::string, std::vector<WaiterRequest>> x_backlog;
  std::unique_ptr<http::PushClient> x_push_client;
  std::unique_ptr<caf::actor_system> x_system;
  actors::House x_house;
  std::vector<caf::actor> x_executors;
  Plugins x_plugins;
  struct Probes;
  std::shared_ptr<Probes> x_probes;
  std::shared_ptr<http::Services> x_services;
  std::unique_ptr<http::Application> x_application;
  std::unique_ptr<http::Server> x_server;
};

}  // namespace signalbox::cli
