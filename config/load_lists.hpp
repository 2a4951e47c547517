// The parts of the file that come in numbers: upstreams, profiles, pools, agents, keys and plugins;
// and what other files have in the same form.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/section_reader.hpp"
#include "config/settings.hpp"

namespace signalbox::config {

/// Key absent or without a value: unset. A list, empty too: that list.
void read_upstreams(SectionReader& root, std::optional<std::vector<UpstreamSettings>>& upstreams);

void read_profiles(SectionReader section, std::map<std::string, ProfileSettings>& profiles);

void read_pools(SectionReader section, std::map<std::string, ChoiceKind>& pools);

void read_agents(SectionReader& root, std::vector<Agent>& agents);

void read_auth(SectionReader section, AuthSettings& auth);

/// Relative paths are taken from the folder of the file that is read.
void read_plugins(SectionReader& root, std::vector<PluginSettings>& plugins);

void read_gc(SectionReader section, GcSettings& gc);

}  // namespace signalbox::config
