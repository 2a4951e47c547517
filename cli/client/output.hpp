// stdout, told apart from a pipe that nobody reads any more.
#pragma once

#include <cstddef>
#include <string_view>

namespace signalbox::cli {

/// Writes and flushes. @returns false when nobody takes it (`| head`).
bool print_out(std::string_view text);

/// @returns the columns of the terminal behind stdout, 0 when it is none.
std::size_t terminal_width();

/// @returns the lines of the terminal behind stdout, 0 when it is none.
std::size_t terminal_height();

/// What client commands do with signals: Ctrl-C ends with 130 at once (the closed connection
/// cancels the call), and a closed pipe is a failed write.
void set_client_signals();

}  // namespace signalbox::cli
