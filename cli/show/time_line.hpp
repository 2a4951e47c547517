// What a task went through, out of its row: a line per transition.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace signalbox::cli {

/// @param row a task's. @pre check_json(row). @returns a line per transition that the row tells of,
/// in order of time, each with the time since the one before; safe for a terminal.
std::string format_time_line(std::string_view row);

/// @returns "250ms", "3.2s", "4m 05s", "2h 03m": a span between two transitions.
std::string format_span(std::chrono::milliseconds span);

}  // namespace signalbox::cli
