// The body of POST /v1/worker-heartbeat. Pure: text in, values or a clear error out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/backends/push_worker.hpp"

namespace signalbox::http {

/// @param caller_address for a worker that does not say where it is.
/// @returns invalid_json, or invalid_request with `param` (`worker.port` ...).
Result<PushHeartbeat> read_push_heartbeat(std::string_view body, std::string_view caller_address);

/// @param allowed addresses (`10.0.0.7`), networks (`10.0.0.0/8`), names, and `loopback`.
/// @returns whether a worker may live there. A name stands for itself: it is not looked up.
bool is_allowed_host(std::string_view host, const std::vector<std::string>& allowed);

}  // namespace signalbox::http
