// Reads the faults of a scenario file.
#pragma once

#include "config/section_reader.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// Reads the list `faults`. @pre profiles and backends of `scenario` are read: what a fault is done
/// to must be there.
void read_faults(config::SectionReader& root, Scenario& scenario);

}  // namespace signalbox::sim
