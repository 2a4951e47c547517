#include "http/route_table.hpp"

#include <algorithm>
#include <array>

namespace signalbox::http {
namespace {

struct RouteEntry {
  std::string_view method;
  /// `{}` stands for one or more segments.
  std::string_view prefix;
  std::string_view suffix;
  bool has_name;
  Action action;
};

constexpr RouteEntry exact(std::string_view method, std::string_view path, Action action) {
  return {method, path, "", false, action};
}
constexpr RouteEntry named(std::string_view method, std::string_view prefix,
                           std::string_view suffix, Action action) {
  return {method, prefix, suffix, true, action};
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
    named("GET", "/api/v1/inference-tasks/", "", Action::get_task),
    named("DELETE", "/api/v1/inference-tasks/", "", Action::cancel_task),
    exact("GET", "/api/v1/llms", Action::list_llms),
    named("GET", "/api/v1/llms/", "", Action::get_llm),
    exact("GET", "/api/v1/profiles", Action::list_profiles),
    named("GET", "/api/v1/profiles/", "", Action::get_profile),
    named("PUT", "/api/v1/profiles/", "", Action::put_profile),
    exact("GET", "/api/v1/calls", Action::list_calls),
    exact("GET", "/livez", Action::livez),
    exact("GET", "/health", Action::livez),
    exact("GET", "/readyz", Action::readyz),
    exact("POST", "/api/v1/admin/reload", Action::reload),
};

/// @returns the raw name in `path`, empty for routes without one, or nothing when the path is
/// another.
std::optional<std::string_view> match_path(const RouteEntry& route, std::string_view path) {
  if (!route.has_name) {
    if (path != route.prefix) return std::nullopt;
    return std::string_view{};
  }
  if (path.size() <= route.prefix.size() + route.suffix.size()) return std::nullopt;
  if (!path.starts_with(route.prefix) || !path.ends_with(route.suffix)) return std::nullopt;
  path.remove_prefix(route.prefix.size());
  path.remove_suffix(route.suffix.size());
  return path;
}

bool allows(const RouteEntry& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

Error no_such_path(std::string_view path) {
  return make_error(ErrorCode::not_found, "there is nothing at " + std::string{path});
}

}  // namespace

Result<RouteMatch> match_route(std::string_view method, std::string_view raw_path) {
  std::string allowed;
  for (const RouteEntry& route : routes) {
    const auto raw_name = match_path(route, raw_path);
    if (!raw_name) continue;
    if (allows(route, method)) {
      auto name = percent_decode(*raw_name);
      if (!name) return no_such_path(raw_path);
      return RouteMatch{route.action, std::move(*name)};
    }
    if (allowed.find(route.method) != std::string::npos) continue;
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method;
    if (route.method == "GET") allowed += ", HEAD";
  }
  if (allowed.empty()) return no_such_path(raw_path);
  return make_error(ErrorCode::method_not_allowed, std::string{method} + " is not allowed here")
      .with("allow", std::move(allowed));
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
