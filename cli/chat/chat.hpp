// `signalbox chat-llm` and `signalbox chat`: a question or a conversation, with a model or with an
// agent, now or by way of the queue.
#pragma once

#include "cli/arguments.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_chat(const ChatOptions& options);

}  // namespace signalbox::cli
