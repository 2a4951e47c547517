// Server-sent events out of a byte stream that is cut anywhere: HTTP chunks and TCP segments are
// not events. Every byte fed comes out again in exactly one event's `raw`, so events can be passed
// on as they were received.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace signalbox::http {

struct SseEvent {
  /// The event's bytes up to and including its blank line.
  std::string raw;
  /// The `data` lines joined by LF.
  std::string data;
  /// The `event` field, empty when there is none.
  std::string name;
  /// False for comments and stray blank lines.
  bool has_data = false;
};

class SseSplitter {
 public:
  /// @param event_bytes_max bound on one event's bytes; also bounds what is held between two feeds.
  explicit SseSplitter(std::size_t event_bytes_max = 8 * 1024 * 1024);

  /// Appends the events that `piece` completes to `events`. A blank line that ends in CR counts at
  /// once; the LF that may follow it goes to the next event's `raw`.
  /// @returns backend_stream_failed when an event is over the bound; nothing may be fed after that.
  Result<void> feed(std::string_view piece, std::vector<SseEvent>& events);

  /// @returns what stands after the last blank line, as if one followed; nothing when there is
  /// nothing. By the standard such a rest is dropped; a final [DONE] without its blank line is
  /// worth more than that.
  std::optional<SseEvent> finish();

 private:
  void end_line();
  SseEvent take_event();

  std::size_t x_event_bytes_max;
  /// The event's bytes so far.
  std::string x_raw;
  /// Where the current line starts in x_raw.
  std::size_t x_line_begin = 0;
  SseEvent x_event;
  /// The last byte was a CR: a LF now belongs to the same line end.
  bool x_after_cr = false;
  bool x_at_start = true;
};

}  // namespace signalbox::http
