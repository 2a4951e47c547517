// A comparison as a table, as CSV, and as one HTML page that needs nothing else.
#pragma once

#include <string>

#include "simulations/lab/compare.hpp"

namespace signalbox::sim {

/// For people; the same bytes for the same comparison, anywhere.
std::string print_comparison(const Comparison& comparison);

/// One line per variant, class and measure, with a header line.
std::string print_comparison_csv(const Comparison& comparison);

/// Tables and charts.
std::string print_comparison_page(const Comparison& comparison);

}  // namespace signalbox::sim
