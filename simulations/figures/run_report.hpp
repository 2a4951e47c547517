// One run for people: a page of HTML with its charts, and its faults as CSV.
#pragma once

#include <string>

#include "simulations/figures/figures.hpp"
#include "simulations/figures/line_curve.hpp"
#include "simulations/figures/report_section.hpp"
#include "simulations/scenario/scenario.hpp"

namespace signalbox::sim {

/// @param line of that run. @returns report.html and every chart of it.
ReportFiles run_report_files(const Scenario& scenario, const RunFigures& figures,
                             const LineCurve& line);

/// What goes wrong, when, and until when, in the order of the beginnings: a header line, and one
/// for each fault.
std::string print_faults(const Scenario& scenario);

}  // namespace signalbox::sim
