// Finds the plugins that the configuration names, in shared objects or linked in, and checks that
// they fit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/plugin.hpp"
#include "config/load.hpp"
#include "config/settings.hpp"

namespace signalbox::cli {

/// A plugin of which the code is part of the program.
struct LinkedPlugin {
  std::string name;
  const plugin::Entry* (*entry)() = nullptr;
};
/// @returns those of this build (CMake: SIGNALBOX_LINKED_PLUGINS).
const std::vector<LinkedPlugin>& linked_plugins();

struct LoadedPlugin {
  std::string name;
  std::unique_ptr<plugin::Plugin> plugin;
};

struct LoadedPlugins {
  /// In the order of the settings; only those that fit.
  std::vector<LoadedPlugin> plugins;
  std::vector<config::Violation> violations;
};

/// Loads and makes them all; a shared object stays loaded as long as the program runs.
/// @param places where the settings were written.
LoadedPlugins load_plugins(const std::vector<config::PluginSettings>& settings,
                           const config::Places& places, const std::string& fallback_file,
                           const std::vector<LinkedPlugin>& linked = linked_plugins());

/// @returns what is wrong with it, or nothing. @param what is named in the message.
std::optional<std::string> find_misfit(const plugin::Entry* entry, const std::string& what);

}  // namespace signalbox::cli
