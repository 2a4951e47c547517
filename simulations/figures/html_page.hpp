// The frame of every report: one HTML page without scripts or links.
#pragma once

#include <string>

namespace signalbox::sim {

/// @param title plain text. @param body markup.
std::string html_page(const std::string& title, const std::string& body);

}  // namespace signalbox::sim
