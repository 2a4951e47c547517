// Every setting of the daemon with its default. config/load fills it from file, environment and
// flags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/admission/profile_settings.hpp"
#include "core/backends/agent.hpp"
#include "core/backends/backend_choice.hpp"
#include "core/base/priority.hpp"

namespace signalbox::config {

struct HttpSettings {
  /// Address to listen on. A non-loopback one needs auth.mode keys.
  std::string bind = "127.0.0.1";
  /// 0 = any free port. Range: 0..65535.
  std::uint16_t port = 8642;
  /// Larger request bodies are answered 413. Range: 1024..268435456.
  std::size_t max_body_bytes = 10'485'760;
  /// Bytes held of request bodies that have not come whole, over all connections and beyond 16 KiB
  /// of each; what would go beyond them is answered 429. Never less than max_body_bytes. Range:
  /// 1048576..68719476736.
  std::size_t max_unfinished_body_bytes = 268'435'456;
  /// Requests in progress at once; one more is answered 429. Range: 16..32768.
  std::size_t max_requests = 4096;
  /// Names accepted in `Host` beside IP literals and localhost.
  std::vector<std::string> allowed_hosts;
  friend bool operator==(const HttpSettings&, const HttpSettings&) = default;
};

struct StoreSettings {
  /// Folder of the LMDB environment; made when it is not there.
  std::string path = "./signalbox-data";
  /// Virtual size of the map: the most the store can grow to. Unit: GiB. Range: 1..4096.
  std::uint32_t map_size_gb = 16;
  /// What profiles without a mode of their own use.
  CommitMode commit = CommitMode::sync;
  friend bool operator==(const StoreSettings&, const StoreSettings&) = default;
};

enum class UpstreamType : std::uint8_t { openai, lmstudio, llamacpp, ollama, vllm };

struct UpstreamSettings {
  /// 1-128 of [A-Za-z0-9._:/@+-]; unique.
  std::string name;
  UpstreamType type = UpstreamType::openai;
  /// http:// or https://, may have a path ("http://host:1234/v1"); no user, query or fragment.
  std::string url;
  /// Ask the server what models it has, now and every discover_interval_s.
  bool discover = false;
  /// Model ids; may be empty only with discover.
  std::vector<std::string> models;
  /// Pool shared with other LLMs; empty = each LLM is its own.
  std::string pool;
  std::string tier;
  /// Calls at once over all models. Unset counts as 1. Range: 1..10000.
  std::optional<std::uint32_t> capacity;
  /// Environment variable that holds the server's key; empty = no key is sent.
  std::string api_key_env;
  /// Found on a well-known port rather than configured: not shown while it is not there.
  bool well_known = false;
  friend bool operator==(const UpstreamSettings&, const UpstreamSettings&) = default;
};

/// The built-in model that answers with the caller's own words.
struct EchoSettings {
  bool enabled = true;
  /// Range: 1..10000.
  std::uint32_t capacity = 8;
  /// Tokens per answer unless the request's max_tokens says fewer. Range: 1..100000.
  std::uint32_t tokens = 16;
  /// Unit: ms. Range: 0..60000.
  std::uint32_t token_delay_ms = 20;
  friend bool operator==(const EchoSettings&, const EchoSettings&) = default;
};

enum class AuthMode : std::uint8_t { none, keys };

struct KeySettings {
  std::string id;
  std::string owner;
  /// Hex SHA-256 of the whole key.
  std::string sha256;
  /// "resource:action"; empty = an app's own calls only.
  std::vector<std::string> grants;
  std::optional<Priority> default_priority;
  Priority max_priority = Priority::interactive;
  friend bool operator==(const KeySettings&, const KeySettings&) = default;
};

struct AuthSettings {
  AuthMode mode = AuthMode::none;
  std::vector<KeySettings> keys;
  friend bool operator==(const AuthSettings&, const AuthSettings&) = default;
};

struct GcSettings {
  /// Unit: s. Range: 1..86400.
  std::uint32_t interval_s = 300;
  /// Pending longer than this ends as `task_expired`. Unit: s. Range: 1..31536000.
  std::uint32_t pending_timeout_s = 3600;
  /// Terminal tasks are deleted after this. Unit: s. Range: 1..315360000.
  std::uint32_t terminal_retention_s = 604'800;
  /// Rows of calls are deleted so long after the call's end. Unit: s. Range: 1..315360000.
  std::uint32_t call_retention_s = 604'800;
  friend bool operator==(const GcSettings&, const GcSettings&) = default;
};

struct WorkerSettings {
  /// Unit: s. Range: 1..3600.
  std::uint32_t heartbeat_interval_s = 30;
  /// Unit: s. Range: 2..86400.
  std::uint32_t heartbeat_timeout_s = 90;
  /// Unit: s. Range: 1..31536000.
  std::uint32_t inactive_retention_s = 14'400;
  /// Unit: s. Range: 1..3600.
  std::uint32_t wake_timeout_s = 60;
  /// "loopback", addresses or names of push workers.
  std::vector<std::string> allow_hosts = {"loopback"};
  friend bool operator==(const WorkerSettings&, const WorkerSettings&) = default;
};

struct TaskSettings {
  /// Claims before a task is given up. Range: 1..100.
  std::uint32_t max_attempts = 3;
  /// How long an HTTP caller is kept waiting for its task. Unit: s. Range: 1..86400.
  std::uint32_t await_timeout_s = 600;
  /// Pending tasks in all. Range: 1..100000000.
  std::uint32_t max_backlog = 1'000'000;
  friend bool operator==(const TaskSettings&, const TaskSettings&) = default;
};

/// Code of others that runs inside the daemon (actors/plugin.hpp).
struct PluginSettings {
  /// 1-128 of [A-Za-z0-9._:/@+-]; unique. Of one with a path, by itself the file's name without its
  /// ending.
  std::string name;
  /// A shared object. Empty = it is linked in, under its name.
  std::string path;
  /// The plugin's own: a JSON object.
  std::string settings = "{}";
  friend bool operator==(const PluginSettings&, const PluginSettings&) = default;
};

struct Settings {
  HttpSettings http;
  StoreSettings store;
  /// Unset = look on the well-known loopback ports (well_known_upstreams()).
  std::optional<std::vector<UpstreamSettings>> upstreams;
  EchoSettings echo;
  /// `inference.profiles.<name>`.
  std::map<std::string, ProfileSettings> profiles;
  /// How pools choose among their backends unless they have a choice of their own.
  ChoiceKind default_choice = ChoiceKind::least_loaded;
  /// `inference.pools.<name>.choice`.
  std::map<std::string, ChoiceKind> pools;
  std::vector<Agent> agents;
  AuthSettings auth;
  GcSettings gc;
  WorkerSettings workers;
  TaskSettings tasks;
  std::vector<PluginSettings> plugins;
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// LM Studio 1234, llama.cpp 8080, Ollama 11434, vLLM 8000, each on loopback, with discover.
std::vector<UpstreamSettings> well_known_upstreams();

}  // namespace signalbox::config
