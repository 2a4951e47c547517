// Which HTTP status and error type each code has (docs/protocol.md, "Errors"). The only file that
// knows statuses.
#pragma once

#include <string_view>

#include "core/base/error.hpp"

namespace signalbox::http {

/// @returns the status for `error`; a backend's 4xx keeps its own.
int status_of(const Error& error);

/// @returns the `type` member of the error object.
std::string_view type_of(ErrorCode code);

}  // namespace signalbox::http
