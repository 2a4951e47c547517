// Which build this is: what one build does another may not.
#pragma once

#include <string>

namespace signalbox::cli {

/// @returns "0.1.0 (caf4d4513)", with "+" behind the commit when files differed from it; "0.1.0"
/// when it was built outside a repository.
std::string build_name();

}  // namespace signalbox::cli
