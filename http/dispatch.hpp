// What each action asks for and who answers it, in one table.
#pragma once

#include <optional>

#include "core/base/error.hpp"
#include "http/front/route_table.hpp"
#include "http/front/services.hpp"

namespace signalbox::http {

/// @returns forbidden or unsupported_media_type when the caller may not, or the body cannot be,
/// what the action asks for.
std::optional<Error> check_action(const Context& context, Action action);

void answer_action(Context& context, const RouteMatch& route);

}  // namespace signalbox::http
