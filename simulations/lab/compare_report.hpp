// A comparison for people (text, one page of HTML, charts) and for other programs (CSV).
#pragma once

#include <string>

#include "simulations/figures/report_section.hpp"
#include "simulations/lab/compare.hpp"

namespace signalbox::sim {

/// A figure that is the same for all variants has one line, and so have variants that made the same
/// runs. The same bytes for the same comparison, anywhere.
std::string print_comparison(const Comparison& comparison);

/// One line for every figure and variant that has it. `difference` is empty for the first variant.
std::string print_comparison_csv(const Comparison& comparison);

/// Needs nothing but a browser: no scripts, no links.
std::string print_comparison_page(const Comparison& comparison);

/// @returns report.html, compare.csv and every chart of the page.
ReportFiles comparison_files(const Comparison& comparison);

}  // namespace signalbox::sim
