// When a client calls as YAML text, the other way round than arrival_reader.
#pragma once

#include <string>

#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// @returns a flow map, or, for calls one by one, lines that begin with a line end.
std::string arrival_text(const ArrivalLaw& arrival);

}  // namespace signalbox::sim
