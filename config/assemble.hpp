// The whole configuration from all its sources: what `serve` starts with, SIGHUP reloads and
// `config check` checks.
#pragma once

#include <optional>
#include <string>

#include "config/environment.hpp"
#include "config/load.hpp"

namespace signalbox::config {

struct Sources {
  /// --config; unset = SIGNALBOX_CONFIG, else no file.
  std::optional<std::string> config_file;
  Flags flags;
  Lookup lookup = environment_lookup;
};

/// Reads the file, applies environment and flags, validates. A file that cannot be read is a
/// violation.
LoadResult assemble(const Sources& sources);

}  // namespace signalbox::config
