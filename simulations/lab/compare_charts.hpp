// The charts of a comparison. Variants that made the same runs as another are drawn once.
#pragma once

#include <vector>

#include "simulations/figures/report_section.hpp"
#include "simulations/lab/compare.hpp"

namespace signalbox::sim {

std::vector<ReportSection> comparison_sections(const Comparison& comparison);

}  // namespace signalbox::sim
