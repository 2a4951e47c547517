// Which path and method mean what. Pure; names in paths may hold slashes, plain or as %2F.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"

namespace signalbox::http {

enum class Action : std::uint8_t {
  chat,
  completion,
  embedding,
  native_chat,
  list_models,
  get_model,
  infer_llm,
  create_task,
  list_tasks,
  get_task,
  cancel_task,
  stream_task,
  list_llms,
  get_llm,
  list_profiles,
  get_profile,
  put_profile,
  list_pools,
  get_pool,
  put_pool,
  list_calls,
  acquire_slot,
  hold_slot,
  mark_slot,
  renew_slot,
  release_slot,
  broker_state,
  list_agents,
  get_agent,
  put_agent,
  delete_agent,
  chat_agent,
  register_worker,
  list_workers,
  get_worker,
  leave_worker,
  bind_worker,
  heartbeat_worker,
  drain_worker,
  take_chunk,
  take_result,
  hear_push_worker,
  make_job,
  stream_job,
  cancel_job,
  livez,
  readyz,
  reload,
  metrics,
  events,
  login,
  logout,
  openapi,
  dashboard,
  asset,
};
inline constexpr std::size_t action_count = static_cast<std::size_t>(Action::asset) + 1;

struct RouteMatch {
  Action action = Action::livez;
  /// The decoded {name} or {id} of the path, empty without one.
  std::string name;
  /// The decoded {task} of a path that names a session and a task, else empty.
  std::string task;
};

/// @returns not_found, or method_not_allowed with the detail `allow` ("GET, POST").
Result<RouteMatch> match_route(std::string_view method, std::string_view raw_path);

/// @returns every route as "GET /api/v1/llms/{name}", in the table's order. A path's names are
/// {name}, {id}, or {session} and {task}.
std::vector<std::string> list_routes();

/// @returns the text with %XX decoded, or nothing when an escape is broken or decodes to a control
/// byte.
std::optional<std::string> percent_decode(std::string_view text);

/// The parameters of a query string, decoded, in order.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
/// @returns invalid_request when an escape is broken.
Result<QueryParameters> parse_query(std::string_view query);

}  // namespace signalbox::http
