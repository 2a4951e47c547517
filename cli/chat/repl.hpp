// A conversation, line by line: typed at a terminal, or piped in.
#pragma once

#include "cli/arguments.hpp"
#include "cli/client/api_client.hpp"

namespace signalbox::cli {

/// At a terminal errors are told and the conversation goes on; Ctrl-C ends the current answer only,
/// Ctrl-D or /quit the conversation. Piped in, the first error ends it.
/// @returns the process's exit code; usage when nothing was piped in.
int run_repl(const ApiClient& client, const ChatOptions& options);

}  // namespace signalbox::cli
