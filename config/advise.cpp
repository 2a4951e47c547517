#include "config/advise.hpp"

#include <cstdint>

namespace signalbox::config {
namespace {

constexpr const char* strict = "strict";

void add(std::vector<Violation>& advice, const Places& places, const std::string& fallback_file,
         const std::string& path, const std::string& message) {
  const auto found = places.find(path);
  const Place place = found == places.end() ? Place{fallback_file, 0, 0} : found->second;
  advice.push_back({place.file, place.line, place.column, path, message});
}

}  // namespace

std::vector<Violation> advise(const Settings& settings, const Places& places,
                              const std::string& fallback_file) {
  std::vector<Violation> advice;
  for (const auto& [name, profile] : settings.profiles) {
    if (profile.policy == strict) continue;
    const std::string profile_path = join_path("inference.profiles", name);
    const auto look_at = [&](const char* key, std::uint32_t value) {
      if (value == 0) return;
      add(advice, places, fallback_file, join_path(profile_path, key),
          "has no effect with policy " + profile.policy + ", only with strict");
    };
    look_at("reserve_interactive", profile.policy_options.reserve_interactive);
    look_at("background_trickle", profile.policy_options.background_trickle);
  }
  return advice;
}

}  // namespace signalbox::config
