// Errors as callers see them: one shape everywhere.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "http/edge/server.hpp"

namespace signalbox::http {

/// @returns `{"error":{...}}`.
std::string error_body(const Error& error, std::string_view request_id);

/// @returns status, body, and where they belong `Retry-After` (1..60) and `x-should-retry`.
Response error_response(const Error& error, std::string_view request_id);

}  // namespace signalbox::http
