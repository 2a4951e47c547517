// One task's stream of events as lines: a line per state it comes to, and how it ended.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.hpp"
#include "cli/client/failure.hpp"
#include "http/upstream/sse_splitter.hpp"

namespace signalbox::cli {

class TaskFollow {
 public:
  /// @param format table and wide: when and which state; name: the state's word; json and jsonl:
  /// the event's data, and at the end the row.
  explicit TaskFollow(OutputFormat format) : x_format{format} {}

  /// @returns the lines that `piece` brings. A state that was told before is not told again, as
  /// after a connection was made anew.
  std::string feed(std::string_view piece);

  /// For a stream that has no more to tell. @param row the task's, in a terminal state. @returns
  /// the lines it brings.
  std::string take_end(std::string_view row);

  /// Where to go on after a lost connection; empty = at the start.
  [[nodiscard]] const std::string& last_event_id() const { return x_last_event_id; }

  [[nodiscard]] bool is_over() const { return x_ending.has_value(); }

  /// @pre is_over(). @returns ok without a message when it completed, else task_failed and why.
  [[nodiscard]] const Failure& ending() const { return *x_ending; }

 private:
  std::string take_event(const http::SseEvent& event);
  std::string take_status(std::string_view data);
  std::string line_of(const std::string& status, const std::string& at, std::string_view data);

  OutputFormat x_format;
  http::SseSplitter x_splitter;
  std::string x_last_event_id;
  /// State and time of the last line.
  std::string x_told;
  std::optional<Failure> x_ending;
};

/// @returns how a task with that row ended: ok without a message, or task_failed and why.
Failure ending_of(std::string_view row);

}  // namespace signalbox::cli
