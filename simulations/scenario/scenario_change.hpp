// A scenario's YAML tree with some values changed, so that variants of one scenario say only what
// differs.
#pragma once

#include "config/yaml_document.hpp"

namespace signalbox::sim {

/// @returns `base` with what `change` says instead. Maps are merged key by key, and lists of maps
/// that have a `name` by that: one that is not in the list is added at its end. Everything else is
/// replaced as a whole; so is a map for which `change` names a `law`, since laws have different
/// keys. @param change null = nothing differs.
config::NodePointer change_tree(const config::NodePointer& base, const config::NodePointer& change);

}  // namespace signalbox::sim
