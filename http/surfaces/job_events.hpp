// The stream of a job: the text of a task's answer, token by token, and [DONE] (docs/protocol.md,
// "Jobs"). Pure: what arrives about a task becomes the text that its reader is sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace signalbox::http {

/// @returns the text that one event of an OpenAI stream brings, of a completion or a chat; empty
/// when it brings none.
std::string chunk_text(std::string_view event_data);

/// @returns the text of a whole completion or chat, its first choice; empty when it has none.
std::string answer_text(std::string_view body);

class JobEvents {
 public:
  /// @param events server-sent events of the backend, in one piece. @param first_event the number
  /// of the first of them, from 1. What a reader has missed is not told in part: it waits for the
  /// whole.
  /// @returns what to write, may be empty.
  std::string passed(std::string_view events, std::uint64_t first_event);

  /// The task has started over. @returns whether this reader can go on: it was told nothing yet.
  bool start_over();

  /// @param body of the whole answer, for a reader who was told nothing of it.
  /// @returns what to write, [DONE] included.
  std::string ended(std::string_view body) const;

 private:
  std::uint64_t x_next_event = 1;
  bool x_has_missed = false;
  bool x_has_told = false;
};

/// @param error_body the error's object. @returns the event that ends a job's stream with it.
std::string job_error_event(std::string_view error_body);

}  // namespace signalbox::http
