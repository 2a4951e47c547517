// What is new in a routing table, for the log of those who run the daemon: which LLM came, slept or
// went.
#pragma once

#include <string>
#include <vector>

#include "core/backends/llm.hpp"

namespace signalbox {

/// @returns a line for each LLM that can be reached now
/// and could not before, or the other way round, in the table's order; those that have left the
/// table come last, by name.
std::vector<std::string> routing_news(const RoutingTable& before, const RoutingTable& after);

}  // namespace signalbox
