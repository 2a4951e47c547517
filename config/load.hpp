// A configuration file as Settings. Everything wrong with it is reported at once, each with its
// place.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "config/violation.hpp"

namespace signalbox::config {

struct LoadResult {
  /// What could be read; defaults elsewhere. To be used only when there are no violations.
  Settings settings;
  /// In the order of the file.
  std::vector<Violation> violations;
  /// Where each value was written, so that rules across keys can point at it.
  Places places;
};

/// Reads one file's text. Empty text = the defaults. Rules that need more than one key of the whole
/// (validate.hpp) are not applied: flags may still change the values.
LoadResult load(const std::string& yaml_text, const std::string& file_name);

}  // namespace signalbox::config
