// `--async`: the question goes to the queue, and its task's id to stdout, for scripts.
#pragma once

#include <vector>

#include "cli/api_client.hpp"
#include "cli/chat_stream.hpp"

namespace signalbox::cli {

/// @returns the process's exit code.
int run_chat_async(const ApiClient& client, const ChatOptions& options,
                   const std::vector<ChatMessage>& messages);

}  // namespace signalbox::cli
