// A chat call's body, and its answer as text: out of a stream of events, or out of a whole body.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/failure.hpp"
#include "http/sse_splitter.hpp"

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

/// @returns the body for POST /v1/chat/completions.
std::string make_chat_body(const ChatOptions& options, std::string_view message);

/// @param body a chat completion's. @returns the first choice's text, or task_failed when there is
/// none.
Outcome<std::string> read_chat_answer(std::string_view body);

}  // namespace signalbox::cli
