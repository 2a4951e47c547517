// A scenario file as a Scenario. Everything wrong with it is reported at once, each with its place.
#pragma once

#include <string>
#include <vector>

#include "config/violation.hpp"
#include "config/yaml_document.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

struct ScenarioFile {
  /// To be used only when there are no violations.
  Scenario scenario;
  /// In the order of the file.
  std::vector<config::Violation> violations;
};

/// @param file_name for the places, and the scenario's name.
ScenarioFile read_scenario(const std::string& yaml_text, const std::string& file_name);

/// As above, of a document that was read before and may have been changed since.
ScenarioFile read_scenario(config::YamlDocument document, const std::string& file_name);

}  // namespace signalbox::sim
