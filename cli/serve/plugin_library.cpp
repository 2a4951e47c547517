#include "cli/serve/plugin_library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string_view>
#include <variant>

namespace signalbox::cli {
namespace {

static_assert(std::string_view{plugin::version} == SIGNALBOX_VERSION,
              "actors/plugin.hpp names another version than CMakeLists.txt");

constexpr const char* entry_symbol = "signalbox_plugin";

/// @returns "1.2" of "1.2.3".
std::string_view series(std::string_view version) {
  const auto dot = version.find('.');
  return version.substr(0, version.find('.', dot == version.npos ? dot : dot + 1));
}

std::string last_dl_error() {
  const char* error = dlerror();
  return error == nullptr ? "for no stated reason" : error;
}

/// @returns the entry, or what is wrong.
std::variant<const plugin::Entry*, std::string> open(const std::string& path) {
  // dlopen() would look for a bare name in the system's folders.
  const std::string absolute = std::filesystem::absolute(path).string();
  void* library = dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return "cannot be loaded: " + last_dl_error();
  void* symbol = dlsym(library, entry_symbol);
  if (symbol == nullptr) {
    return path + " is no signalbox plugin: it has no function " + entry_symbol + "()";
  }
  return reinterpret_cast<const plugin::Entry* (*)()>(symbol)();
}

std::variant<const plugin::Entry*, std::string> find(const config::PluginSettings& settings,
                                                     const std::vector<LinkedPlugin>& linked) {
  if (!settings.path.empty()) return open(settings.path);
  const auto place = std::find_if(linked.begin(), linked.end(), [&](const LinkedPlugin& each) {
    return each.name == settings.name;
  });
  if (place != linked.end()) return place->entry();
  return settings.name + " is not linked into this signalbox: give the path of its library";
}

/// @returns the plugin, or what is wrong with its settings.
std::variant<std::unique_ptr<plugin::Plugin>, std::string> make(const plugin::Entry& entry,
                                                                const std::string& settings) {
  try {
    auto plugin = entry.make(settings);
    if (plugin) return plugin;
    return "the plugin could not be made";
  } catch (const std::exception& exception) {
    return std::string{exception.what()};
  } catch (...) {
    return "the plugin could not be made: it threw what is no std::exception";
  }
}

}  // namespace

std::optional<std::string> find_misfit(const plugin::Entry* entry, const std::string& what) {
  if (entry == nullptr || entry->version == nullptr) return what + " does not say what it is";
  const bool fits = entry->abi == plugin::abi && series(entry->version) == series(plugin::version);
  if (!fits) {
    return what + " was built for signalbox " + entry->version + " (plugin ABI " +
           std::to_string(entry->abi) + "), this is signalbox " + plugin::version +
           " (plugin ABI " + std::to_string(plugin::abi) + "): build it anew";
  }
  if (entry->make == nullptr) return what + " does not say how it is made";
  return std::nullopt;
}

LoadedPlugins load_plugins(const std::vector<config::PluginSettings>& settings,
                           const config::Places& places, const std::string& fallback_file,
                           const std::vector<LinkedPlugin>& linked) {
  LoadedPlugins loaded;
  for (std::size_t index = 0; index < settings.size(); ++index) {
    const config::PluginSettings& each = settings[index];
    const std::string path = config::join_path("plugins", index);
    const auto complain = [&](const std::string& key, std::string message) {
      const std::string where = config::join_path(path, key);
      auto place = places.find(where);
      if (place == places.end()) place = places.find(config::join_path(path, "path"));
      if (place == places.end()) place = places.find(config::join_path(path, "name"));
      const config::Place at =
          place == places.end() ? config::Place{fallback_file, 0, 0} : place->second;
      loaded.violations.push_back({at.file, at.line, at.column, where, std::move(message)});
    };
    const bool has_path = !each.path.empty();
    const auto found = find(each, linked);
    if (const auto* problem = std::get_if<std::string>(&found)) {
      complain(has_path ? "path" : "name", *problem);
      continue;
    }
    const plugin::Entry* entry = std::get<const plugin::Entry*>(found);
    if (auto misfit = find_misfit(entry, has_path ? each.path : each.name)) {
      complain(has_path ? "path" : "name", std::move(*misfit));
      continue;
    }
    auto made = make(*entry, each.settings);
    if (auto* problem = std::get_if<std::string>(&made)) {
      complain("settings", std::move(*problem));
      continue;
    }
    loaded.plugins.push_back(
        {each.name, std::get<std::unique_ptr<plugin::Plugin>>(std::move(made))});
  }
  return loaded;
}

}  // namespace signalbox::cli
