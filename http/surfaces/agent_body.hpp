// Agents as bodies: what defines one, and what a chat with one sends to the backend. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/backends/agent.hpp"
#include "core/base/error.hpp"

namespace signalbox::http {

/// @param name from the path; a member `name` must agree.
/// @returns invalid_json, invalid_request or invalid_priority, with `param`; unknown members are
/// refused.
Result<Agent> read_agent(const std::string& name, std::string_view body);

/// @param body `{message | messages, ...}`.
/// @returns the chat body: the agent's system prompt first, the caller's messages, then the agent's
/// defaults where the caller says nothing. All else stays byte for byte. Or invalid_json, or
/// invalid_request with `param`.
Result<std::string> compose_chat(const Agent& agent, std::string_view body);

}  // namespace signalbox::http
