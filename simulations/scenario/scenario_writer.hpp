// A Scenario as the file that scenario_reader reads back as just that one.
#pragma once

#include <string>

#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Leaves out what is the default. The scenario's name is not in the text: it is the file's.
/// @pre every value is one that a file can say (docs/scenarios.md).
std::string write_scenario(const Scenario& scenario);

}  // namespace signalbox::sim
