// The arguments of `signalbox worker`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "config/environment.hpp"
#include "config/settings.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace signalbox::cli {

struct Connection;

struct WorkerOptions {
  /// --broker, else SIGNALBOX_URL, else the default port on loopback.
  std::string broker;
  std::string key_file;
  /// SIGNALBOX_API_KEY, used without a key file.
  std::string key;
  /// The local LLM server.
  std::string upstream;
  /// Its key, out of the variable that --upstream-key-env names; empty = none.
  std::string upstream_key;
  config::UpstreamType type = config::UpstreamType::openai;
  /// The name under which the broker offers it.
  std::string llm;
  /// The local server's own id; empty = the first that it lists.
  std::string model;
  std::string tier;
  std::string pool;
  /// Tasks at once. Range: 1..1000.
  std::uint32_t capacity = 1;
  /// Registered as asleep; `wake_command` gets it up.
  bool is_hibernating = false;
  std::string wake_command;
  /// For the command and the local server's first answer. Unit: s. Range: 1..3600.
  std::uint32_t wake_timeout_s = 60;
  /// Keeps the session over restarts of the worker; empty = no file.
  std::string session_file;
  /// How long tasks may go on after SIGTERM. Unit: s. Range: 0..86400.
  std::uint32_t grace_s = 30;
  /// Takes its session and its names away when it leaves; else they stay known as inactive, and
  /// work for them can be queued.
  bool forgets = false;
  bool is_quiet = false;
};

/// What CLI11 fills while it parses.
struct WorkerArguments {
  WorkerOptions options;
  std::string type = "openai";
  std::string upstream_key_env;
};

/// @param values what options may be, for completions.
void add_worker(CLI::App& app, WorkerArguments& arguments,
                std::map<const CLI::Option*, ValueRow>& values);

/// Fills in what the environment and the other arguments say. @param connection of the other
/// commands, settled. @returns what is wrong, for the user, or nothing.
std::optional<std::string> settle_worker(WorkerArguments& arguments, const Connection& connection,
                                         const config::Lookup& lookup);

}  // namespace signalbox::cli
