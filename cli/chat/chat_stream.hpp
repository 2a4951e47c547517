// A chat call's body, and its answer as text: out of a stream of events, or out of a whole body.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/client/failure.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::cli {

class ChatStream {
 public:
  /// @returns the text that `piece` brings, for printing; control characters but line ends and tabs
  /// are taken out.
  std::string feed(std::string_view piece);

  /// After the last piece. @returns what went wrong: an error event, or an end without [DONE].
  [[nodiscard]] std::optional<Failure> finish();

  /// True once the stream itself told of an error.
  [[nodiscard]] bool has_failed() const { return x_failure.has_value(); }

 private:
  std::string take_event(const http::SseEvent& event);

  http::SseSplitter x_splitter;
  bool x_is_done = false;
  std::optional<Failure> x_failure;
};

struct ChatMessage {
  std::string role;
  std::string content;
  friend bool operator==(const ChatMessage&, const ChatMessage&) = default;
};

/// @returns the body for POST /v1/chat/completions, or for an agent's chat.
std::string make_chat_body(const ChatOptions& options, const std::vector<ChatMessage>& messages);

/// @param target_member how the queue's call names the target: "llm", "model" or "agent".
/// @returns the body for POST /api/v1/inference-tasks.
std::string make_task_body(const ChatOptions& options, const std::vector<ChatMessage>& messages,
                           std::string_view target_member);

/// @param body a chat completion's. @returns the first choice's text, or task_failed when there is
/// none.
Outcome<std::string> read_chat_answer(std::string_view body);

}  // namespace signalbox::cli
