// What a caller may say about a call beside its body (docs/protocol.md, "Common"): priority,
// budgets, profile, description, idempotency. Pure: headers in, values or a clear error out.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/priority.hpp"
#include "core/base/time.hpp"
#include "http/edge/server.hpp"
#include "http/front/auth.hpp"

namespace signalbox::http {

struct CallOptions {
  Priority priority = Priority::workflow;
  std::optional<Duration> queue_wait;
  std::optional<Duration> inference;
  /// Empty = derived.
  std::string profile;
  std::string description;
  /// Empty = none.
  std::string idempotency_key;
  std::string traceparent;
  /// Key of the calls that are to stay on one backend; empty = none.
  std::string session;
};

/// What a body says about priority, to be weighed against the headers.
struct BodyPriority {
  /// `service_tier` as it stands in the body, empty when it is not there or no string.
  std::string service_tier;
  /// The class it names (`priority`, `flex`), if it names one.
  std::optional<Priority> priority;
};

BodyPriority body_priority(std::string service_tier);

/// @param route_default the class of calls along this route (mission A2).
/// @returns invalid_priority or invalid_request (with `param`) for what cannot be read.
Result<CallOptions> read_call_options(const Headers& headers, const Caller& caller,
                                      const BodyPriority& body, Priority route_default);

/// @returns the seconds as a duration, or an error naming `field` unless it is a decimal number >
/// 0, at most 86400.
Result<Duration> read_seconds(std::string_view text, const std::string& field);

/// @returns true for 1-255 printable ASCII characters.
bool is_session_key(std::string_view text);

/// @returns the caller's X-Request-Id when it is 1-128 of [A-Za-z0-9._-], else nothing.
std::optional<std::string> read_request_id(const Headers& headers);

}  // namespace signalbox::http
