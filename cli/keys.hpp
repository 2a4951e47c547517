// `signalbox keys new`: a key for a caller, and the line that makes the daemon know it. Only the
// key's digest goes into the configuration.
#pragma once

#include <span>
#include <string>

#include "cli/arguments.hpp"

namespace signalbox::cli {

/// @returns "sbx_" and the bytes as base64url without padding.
std::string format_key(std::span<const unsigned char> bytes);

/// @returns an element of the configuration's `auth.keys`, on one line, without a line end.
std::string format_key_line(const NewKeyOptions& options, const std::string& key);

/// @returns the process's exit code.
int run_new_key(const NewKeyOptions& options);

}  // namespace signalbox::cli
