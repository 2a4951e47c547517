// `signalbox serve`: the daemon.
#pragma once

#include <optional>
#include <string>

#include "config/environment.hpp"

namespace signalbox::cli {

struct ServeOptions {
  /// --config; unset = SIGNALBOX_CONFIG, else none.
  std::optional<std::string> config;
  config::Flags flags;
  /// Print nothing but errors.
  bool quiet = false;
};

/// Runs until SIGTERM or SIGINT. @returns the process's exit code.
int run_serve(const ServeOptions& options);

}  // namespace signalbox::cli
