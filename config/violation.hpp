// One thing wrong with the configuration, and where it was written.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace signalbox::config {

/// Where a value came from. Lines and columns are 1-based and count bytes; 0 = not known, as for
/// flags.
struct Place {
  /// A file name, or "environment", "flags", "defaults".
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

/// Path ("http.bind", "upstreams[0].url") to the place its value was written; a value left at its
/// default has none.
using Places = std::map<std::string, Place>;

struct Violation {
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  /// Key path, variable or flag; empty when the whole file is meant.
  std::string path;
  std::string message;
  friend bool operator==(const Violation&, const Violation&) = default;
};

/// @returns "file:line:column: path: message", without the parts that are not known.
std::string to_string(const Violation& violation);

/// @returns `path` with `key` added: "http" + "port" = "http.port"; keys that are not plain words
/// are quoted in brackets.
std::string join_path(const std::string& path, const std::string& key);

/// @returns "upstreams" + 2 = "upstreams[2]".
std::string join_path(const std::string& path, std::size_t index);

}  // namespace signalbox::config
