// Reads when a client of a scenario file calls: by a law, as a trace says, or call by call.
#pragma once

#include "config/section_reader.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

ArrivalLaw read_arrival(config::SectionReader section);

}  // namespace signalbox::sim
