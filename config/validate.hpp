// Rules that need more than one key. Applied to the whole, after environment and flags.
#pragma once

#include <vector>

#include "config/settings.hpp"
#include "config/violation.hpp"

namespace signalbox::config {

/// @returns every broken rule, each at the place of the value to change, or at `fallback_file` when
/// that value is a default:
/// - a bind that is not loopback needs auth.mode keys (a machine's neighbours must not use it
/// unasked);
/// - auth.mode keys needs a key, or nobody could call;
/// - workers.heartbeat_timeout_s must be above heartbeat_interval_s, or every worker is lost
/// between two heartbeats;
/// - no upstream may be named "echo" while the built-in model is there.
std::vector<Violation> validate(const Settings& settings, const Places& places = {},
                                const std::string& fallback_file = "defaults");

}  // namespace signalbox::config
