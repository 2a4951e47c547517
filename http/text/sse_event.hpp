// Server-sent events that we make ourselves, as text; what tells that an answer is made of such.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace signalbox::http {

inline constexpr std::string_view event_stream = "text/event-stream";
/// Silence after which a stream says that it is still there.
inline constexpr std::chrono::seconds ping_interval{15};
inline constexpr std::string_view ping_event = ": ping\n\n";

/// @param content_type the header's value, parameters and all.
bool is_event_stream(std::string_view content_type);

/// @param id left out when empty. @param data may have several lines.
std::string sse_event(std::string_view name, std::string_view id, std::string_view data);

/// An event without a name or an id.
std::string data_event(std::string_view data);

/// @returns the same JSON without line ends, which can only stand between its tokens: many readers
/// of events take one `data` line for all of it. @pre `json` is well-formed.
std::string on_one_line(std::string json);

}  // namespace signalbox::http
