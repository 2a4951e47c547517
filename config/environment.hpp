// What comes from outside the file: environment variables and command-line flags. Order: flags >
// environment > file > defaults.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/load.hpp"

namespace signalbox::config {

/// @returns the value of an environment variable, or nothing. Injected, so that tests need no real
/// environment.
using Lookup = std::function<std::optional<std::string>(const std::string& name)>;

/// The process's own environment.
std::optional<std::string> environment_lookup(const std::string& name);

/// As typed; bad values are violations like any other.
struct Flags {
  /// --bind
  std::optional<std::string> bind;
  /// --port
  std::optional<std::string> port;
  /// --store
  std::optional<std::string> store;
  /// --commit
  std::optional<std::string> commit;
  friend bool operator==(const Flags&, const Flags&) = default;
};

/// SIGNALBOX_HTTP_BIND, SIGNALBOX_HTTP_PORT, SIGNALBOX_STORE_PATH, SIGNALBOX_STORE_COMMIT. An empty
/// variable is none.
void apply_environment(LoadResult& result, const Lookup& lookup);

void apply_flags(LoadResult& result, const Flags& flags);

/// @returns `config_flag`, else SIGNALBOX_CONFIG, else nothing.
std::optional<std::string> find_config_file(const std::optional<std::string>& config_flag,
                                            const Lookup& lookup);

}  // namespace signalbox::config
