// A caller's body as the one text that a push worker completes. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace signalbox::http {

/// A chat as lines, each message behind its speaker, the last line left to be completed:
///
///   System: Be brief.
///   User: Where is the key?
///   Assistant:
///
/// @param messages the body's member, well-formed JSON. @returns what a prompt cannot carry (tool
/// calls, images, unknown roles) as an error with its `param`.
Result<std::string> chat_prompt(std::string_view messages);

/// A completion's prompt as it is: a string, or a list of one.
Result<std::string> completion_prompt(std::string_view prompt);

/// Why a push worker cannot run a call as it is: invalid_request, though a backend of another kind
/// may. @param param the member at fault.
Error cannot_carry(std::string message, std::string param);

}  // namespace signalbox::http
