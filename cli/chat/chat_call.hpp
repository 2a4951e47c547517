// One question to a model or an agent, the answer's tokens on stdout as they come.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/chat/chat_stream.hpp"
#include "cli/client/api_client.hpp"

namespace signalbox::cli {

struct ChatAnswer {
  /// As it was printed; the beginning when it was cut short.
  std::string text;
  /// With an empty message when everything is said already.
  std::optional<Failure> failure;
};

/// Prints the answer. @param stop lets another thread end it, or null.
ChatAnswer ask(const ApiClient& client, const ChatOptions& options,
               const std::vector<ChatMessage>& messages, CallStop* stop = nullptr);

}  // namespace signalbox::cli
