// Settings that are allowed and do nothing where they stand: worth a word, and no reason to refuse
// a configuration.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "config/violation.hpp"

namespace signalbox::config {

/// @returns advice, at the place of the value or at `fallback_file`: `reserve_interactive` and
/// `background_trickle` are the strict policy's alone.
std::vector<Violation> advise(const Settings& settings, const Places& places = {},
                              const std::string& fallback_file = "defaults");

}  // namespace signalbox::config
