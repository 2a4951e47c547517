// `--async`: the question goes to the queue, and its task's id to stdout, for scripts.
#pragma once

#include <vector>

#include "cli/chat/chat_stream.hpp"
#include "cli/client/api_client.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_chat_async(const ApiClient& client, const ChatOptions& options,
                   const std::vector<ChatMessage>& messages);

}  // namespace signalbox::cli
