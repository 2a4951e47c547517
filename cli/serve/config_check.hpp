// `signalbox config check`: what `serve` would say about a configuration.
#pragma once

#include <string>

#include "cli/arguments.hpp"
#include "config/settings.hpp"

namespace signalbox::cli {

/// @returns one line: where it listens, how many of what.
std::string summarize(const config::Settings& settings);

/// Advice goes to stderr and changes nothing. @returns the process's exit code: 0, or usage with
/// every violation on stderr.
int run_config_check(const ConfigCheckOptions& options);

}  // namespace signalbox::cli
