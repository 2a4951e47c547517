// Agents (docs/protocol.md, "Agents"): define them, look at them, talk to them.
#pragma once

#include <string>
#include <string_view>

#include "http/front/call_options.hpp"
#include "http/front/services.hpp"

namespace signalbox::http {

void answer_list_agents(Context& context);
void answer_get_agent(Context& context, const std::string& name);
void answer_put_agent(Context& context, const std::string& name);
void answer_delete_agent(Context& context, const std::string& name);
/// Runs like a sync call; fail-fast.
void answer_agent_chat(Context& context, const std::string& name);

/// Fills in what a call of that agent is: kind, target, composed body, fail-fast.
/// @returns what headers, body and agent say about it; or agent_not_found, or what is wrong with
/// `request`.
Result<CallOptions> prepare_agent_call(Context& context, const std::string& name,
                                       std::string_view request, actors::SubmitTask& submit);

}  // namespace signalbox::http
