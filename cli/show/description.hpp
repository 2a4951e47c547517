// One row as blocks of key and value; for a task also the line of time that it went through.
#pragma once

#include <string>
#include <string_view>

#include "cli/show/resources.hpp"
#include "core/base/time.hpp"

namespace signalbox::cli {

struct DescriptionOptions {
  WallTime now;
  /// Bodies whole, not shortened.
  bool full = false;
};

/// @param row one row as JSON. @pre check_json(row), an object. @returns lines for a terminal.
std::string describe_row(const Resource& resource, std::string_view row,
                         const DescriptionOptions& options);

}  // namespace signalbox::cli
