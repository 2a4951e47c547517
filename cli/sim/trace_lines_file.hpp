// Traces of arrivals as JSON lines: an object a call, in the order of their times.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/client/failure.hpp"
#include "cli/sim/replay_arguments.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::cli {

/// @param text one JSON object a line; blank lines are passed over. @param columns keys of the
/// objects. @param time_unit of one that is a number; zero = times are texts like
/// "2023-11-16 18:15:46.68". @param file_name for messages. @returns the first line that is no such
/// object.
Outcome<std::vector<sim::TraceRow>> read_trace_lines(std::string_view text,
                                                     const TraceColumns& columns,
                                                     Duration time_unit,
                                                     const std::string& file_name);

}  // namespace signalbox::cli
