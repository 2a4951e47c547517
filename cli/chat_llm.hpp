// `signalbox chat-llm`: one question to one model, the answer's tokens on stdout as they come.
#pragma once

#include "cli/arguments.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_chat(const ChatOptions& options);

}  // namespace signalbox::cli
