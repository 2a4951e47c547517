// An LLM as callers see it: a name that work can be sent to, whatever kind of backend stands behind
// it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/backends/circuit_breaker.hpp"
#include "core/backends/lease.hpp"
#include "core/base/error.hpp"
#include "core/base/name.hpp"
#include "core/base/time.hpp"
#include "core/tasks/task.hpp"

namespace signalbox {

enum class LlmKind : std::uint8_t { upstream, worker, plugin };
enum class LlmStatus : std::uint8_t { active, inactive, hibernating };

std::string_view to_string(LlmKind kind);
std::string_view to_string(LlmStatus status);

struct Llm {
  std::string name;
  /// Taken instead when another executor has the name already; empty = then it is left out.
  std::string qualified_name;
  LlmKind kind = LlmKind::upstream;
  /// openai, lmstudio, llamacpp, ollama, vllm, echo ...
  std::string type;
  /// The backend's own id.
  std::string model;
  std::string tier;
  /// Empty = it is a pool of its own, under its name.
  std::string pool;
  LlmStatus status = LlmStatus::inactive;
  /// Calls at once; shared by all LLMs of one capacity group.
  std::uint32_t capacity = 1;
  std::uint32_t running = 0;
  BreakerState breaker = BreakerState::closed;
  /// Of its last calls, in a row.
  std::uint32_t failures = 0;
  /// A call can be handed over now; false while a worker's channel is closed or it drains.
  bool is_open = true;
  /// It is there, but others than us keep it busy: who wants it waits.
  bool is_full = false;
  /// LLMs that share one capacity (the models of one server) name the same group.
  std::string group;
  std::string session;
  std::string url;
  WallTime last_heartbeat_at{};
  WallTime inactive_since{};
  ExecutorId executor = 0;

  [[nodiscard]] const std::string& pool_key() const { return pool.empty() ? name : pool; }
  /// A call would find it, at once or after waking it.
  [[nodiscard]] bool is_present() const { return is_open && status != LlmStatus::inactive; }
};

/// What can be asked for at this moment: an unchanging picture that the directory publishes on
/// every change of presence, so that naming a model costs no message. `running`, `capacity`,
/// `breaker` and `failures` are as of the publication.
struct RoutingTable {
  /// Ordered by registration, which is the order of preference.
  std::vector<Llm> llms;

  [[nodiscard]] const Llm* find(std::string_view name) const;
};

/// Where a call goes, fixed when its task is made.
struct Route {
  std::string pool;
  /// Empty when a pool was named.
  std::string llm;
  std::string model;
  std::string tier;
  /// Some LLM of the pool is online (or can be woken).
  bool is_present = false;
  /// The `<model>` of derived profile names: the pool's name where there is one, else the backend's
  /// model id.
  std::string profile_part;
  /// The first LLM's type, which decides the profile's prefix.
  std::string type;
};

/// @returns where `name` goes: an LLM, else a pool, else a model id served by some LLM; among those
/// of one model id, one that is present first. Else `model_not_found`.
Result<Route> resolve(const RoutingTable& table, std::string_view name);

/// @returns the LLM of that name and its route, else `llm_not_found`.
Result<Route> resolve_llm(const RoutingTable& table, std::string_view name);

/// @returns the route to an LLM or pool that nobody has offered yet.
Route route_to_absent(std::string_view name);

/// @returns the profile that calls of that kind along that route belong to (mission A7).
std::string derive_profile(const Route& route, TaskKind kind);

}  // namespace signalbox
