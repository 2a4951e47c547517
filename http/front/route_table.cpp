#include "http/front/route_table.hpp"

#include <algorithm>
#include <array>

#include "core/base/hex.hpp"

namespace signalbox::http {
namespace {

/// What stands between a route's prefix and its suffix.
enum class Names : std::uint8_t {
  none,
  /// One name, of one or more segments.
  free,
  /// One id, which is one segment.
  id,
  /// Two ids with `/tasks/` between them.
  session_and_task,
};

struct RouteEntry {
  std::string_view method;
  std::string_view prefix;
  std::string_view suffix;
  Names names;
  Action action;
  /// A stream has a life of its own; HEAD must not begin one.
  bool is_stream = false;
};

/// Raw, still percent-encoded; empty where the route has none.
struct RawNames {
  std::string_view name;
  std::string_view task;
};

constexpr RouteEntry exact(std::string_view method, std::string_view path, Action action) {
  return {method, path, "", Names::none, action};
}
constexpr RouteEntry named(std::string_view method, std::string_view prefix,
                           std::string_view suffix, Action action) {
  return {method, prefix, suffix, Names::free, action};
}
constexpr RouteEntry by_id(std::string_view method, std::string_view prefix,
                           std::string_view suffix, Action action) {
  return {method, prefix, suffix, Names::id, action};
}
constexpr RouteEntry stream(std::string_view prefix, Action action) {
  return {"GET", prefix, "/stream", Names::id, action, true};
}
constexpr RouteEntry exact_stream(std::string_view path, Action action) {
  return {"GET", path, "", Names::none, action, true};
}
constexpr RouteEntry of_task(std::string_view suffix, Action action) {
  return {"POST", "/api/v1/workers/", suffix, Names::session_and_task, action};
}

// A longer suffix before a shorter one: "/llms/{}/infer" before "/llms/{}".
constexpr std::array routes{
    exact("POST", "/v1/chat/completions", Action::chat),
    exact("POST", "/v1/completions", Action::completion),
    exact("POST", "/v1/embeddings", Action::embedding),
    exact("POST", "/api/v1/chat", Action::native_chat),
    exact("GET", "/v1/models", Action::list_models),
    named("GET", "/v1/models/", "", Action::get_model),
    named("POST", "/api/v1/llms/", "/infer", Action::infer_llm),
    exact("POST", "/api/v1/inference-tasks", Action::create_task),
    exact("GET", "/api/v1/inference-tasks", Action::list_tasks),
    by_id("GET", "/api/v1/inference-tasks/", "", Action::get_task),
    by_id("DELETE", "/api/v1/inference-tasks/", "", Action::cancel_task),
    stream("/api/v1/inference-tasks/", Action::stream_task),
    exact("GET", "/api/v1/llms", Action::list_llms),
    named("GET", "/api/v1/llms/", "", Action::get_llm),
    exact("GET", "/api/v1/profiles", Action::list_profiles),
    named("GET", "/api/v1/profiles/", "", Action::get_profile),
    named("PUT", "/api/v1/profiles/", "", Action::put_profile),
    exact("GET", "/api/v1/pools", Action::list_pools),
    named("GET", "/api/v1/pools/", "", Action::get_pool),
    named("PUT", "/api/v1/pools/", "", Action::put_pool),
    exact("GET", "/api/v1/calls", Action::list_calls),
    exact("POST", "/api/v1/slots", Action::acquire_slot),
    exact_stream("/api/v1/slots/hold", Action::hold_slot),
    by_id("POST", "/api/v1/slots/", "/mark", Action::mark_slot),
    by_id("POST", "/api/v1/slots/", "/renew", Action::renew_slot),
    by_id("DELETE", "/api/v1/slots/", "", Action::release_slot),
    exact("GET", "/broker/state", Action::broker_state),
    exact("GET", "/api/v1/agents", Action::list_agents),
    named("POST", "/api/v1/agents/", "/chat", Action::chat_agent),
    named("GET", "/api/v1/agents/", "", Action::get_agent),
    named("PUT", "/api/v1/agents/", "", Action::put_agent),
    named("DELETE", "/api/v1/agents/", "", Action::delete_agent),
    exact("POST", "/api/v1/workers", Action::register_worker),
    exact("GET", "/api/v1/workers", Action::list_workers),
    by_id("GET", "/api/v1/workers/", "", Action::get_worker),
    by_id("DELETE", "/api/v1/workers/", "", Action::leave_worker),
    stream("/api/v1/workers/", Action::bind_worker),
    by_id("POST", "/api/v1/workers/", "/heartbeat", Action::heartbeat_worker),
    by_id("POST", "/api/v1/workers/", "/drain", Action::drain_worker),
    of_task("/chunk", Action::take_chunk),
    of_task("/result", Action::take_result),
    exact("POST", "/v1/worker-heartbeat", Action::hear_push_worker),
    exact("POST", "/v1/jobs", Action::make_job),
    stream("/v1/jobs/", Action::stream_job),
    by_id("DELETE", "/v1/jobs/", "", Action::cancel_job),
    exact("GET", "/livez", Action::livez),
    exact("GET", "/health", Action::livez),
    exact("GET", "/readyz", Action::readyz),
    exact("POST", "/api/v1/admin/reload", Action::reload),
    exact("GET", "/metrics", Action::metrics),
    exact_stream("/api/v1/events", Action::events),
    exact("POST", "/login", Action::login),
    exact("POST", "/logout", Action::logout),
    exact("GET", "/openapi.json", Action::openapi),
    exact("GET", "/", Action::dashboard),
    named("GET", "/assets/", "", Action::asset),
};

std::string_view pattern_of(Names names) {
  switch (names) {
    case Names::none:
      return "";
    case Names::free:
      return "{name}";
    case Names::id:
      return "{id}";
    case Names::session_and_task:
      return "{session}/tasks/{task}";
  }
  return "";
}

/// @returns the raw names in `path`, or nothing when the path is another.
std::optional<RawNames> match_path(const RouteEntry& route, std::string_view path) {
  if (route.names == Names::none) {
    return path == route.prefix ? std::optional{RawNames{}} : std::nullopt;
  }
  if (path.size() <= route.prefix.size() + route.suffix.size()) return std::nullopt;
  if (!path.starts_with(route.prefix) || !path.ends_with(route.suffix)) return std::nullopt;
  path.remove_prefix(route.prefix.size());
  path.remove_suffix(route.suffix.size());
  if (route.names == Names::free) return RawNames{path, {}};
  constexpr std::string_view between = "/tasks/";
  const std::size_t slash = path.find('/');
  if (route.names == Names::id) {
    return slash == std::string_view::npos ? std::optional{RawNames{path, {}}} : std::nullopt;
  }
  if (slash == std::string_view::npos || !path.substr(slash).starts_with(between)) {
    return std::nullopt;
  }
  const RawNames names{path.substr(0, slash), path.substr(slash + between.size())};
  const bool are_ids =
      !names.name.empty() && !names.task.empty() && names.task.find('/') == std::string_view::npos;
  return are_ids ? std::optional{names} : std::nullopt;
}

bool allows_head(const RouteEntry& route) {
  return route.method == "GET" && !route.is_stream;
}

bool allows(const RouteEntry& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && allows_head(route));
}

Error no_such_path(std::string_view path) {
  return make_error(ErrorCode::not_found, "there is nothing at " + std::string{path});
}

}  // namespace

Result<RouteMatch> match_route(std::string_view method, std::string_view raw_path) {
  std::string allowed;
  for (const RouteEntry& route : routes) {
    const auto raw = match_path(route, raw_path);
    if (!raw) continue;
    if (allows(route, method)) {
      auto name = percent_decode(raw->name);
      auto task = percent_decode(raw->task);
      if (!name || !task) return no_such_path(raw_path);
      return RouteMatch{route.action, std::move(*name), std::move(*task)};
    }
    if (allowed.find(route.method) != std::string::npos) continue;
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method;
    if (allows_head(route)) allowed += ", HEAD";
  }
  if (allowed.empty()) return no_such_path(raw_path);
  return make_error(ErrorCode::method_not_allowed, std::string{method} + " is not allowed here")
      .with("allow", std::move(allowed));
}

std::vector<std::string> list_routes() {
  std::vector<std::string> listed;
  for (const RouteEntry& route : routes) {
    std::string line{route.method};
    line.append(" ").append(route.prefix).append(pattern_of(route.names)).append(route.suffix);
    listed.push_back(std::move(line));
  }
  return listed;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (text[index] != '%') {
      decoded += text[index];
      continue;
    }
    if (index + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[index + 1]);
    const int low = hex_value(text[index + 2]);
    if (high < 0 || low < 0 || (high < 2) || (high == 7 && low == 15)) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    index += 2;
  }
  return decoded;
}

Result<QueryParameters> parse_query(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string raw_value{equals == std::string_view::npos ? "" : pair.substr(equals + 1)};
    std::replace(raw_value.begin(), raw_value.end(), '+', ' ');
    auto name = percent_decode(pair.substr(0, equals));
    auto value = percent_decode(raw_value);
    if (!name || !value) {
      return make_error(ErrorCode::invalid_request, "the query string has a broken escape");
    }
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

}  // namespace signalbox::http
