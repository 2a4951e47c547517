// Which path and method mean what. Pure; names in paths may hold slashes, plain or as %2F.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

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
  list_llms,
  get_llm,
  list_profiles,
  get_profile,
  put_profile,
  list_calls,
  livez,
  readyz,
  reload,
};

struct RouteMatch {
  Action action = Action::livez;
  /// The decoded {name} or {id} of the path, empty without one.
  std::string name;
};

/// @returns not_found, or method_not_allowed with the detail `allow` ("GET, POST").
Result<RouteMatch> match_route(std::string_view method, std::string_view raw_path);

/// @returns the text with %XX decoded, or nothing when an escape is broken or decodes to a control
/// byte.
std::optional<std::string> percent_decode(std::string_view text);

/// The parameters of a query string, decoded, in order.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
/// @returns invalid_request when an escape is broken.
Result<QueryParameters> parse_query(std::string_view query);

}  // namespace signalbox::http
