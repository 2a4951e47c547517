// YAML values as JSON text, for settings that are passed on as JSON (an agent's defaults).
#pragma once

#include <string>

#include "config/section_reader.hpp"

namespace signalbox::config {

/// Plain words are read by YAML 1.2's core schema (null, true, false, numbers), quoted ones are
/// texts. Keys keep their order. A number that JSON cannot say (.inf, .nan, beyond a double) is a
/// violation.
std::string to_json(LoadContext& context, const Node& node, const std::string& path);

}  // namespace signalbox::config
