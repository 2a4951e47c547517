// The dashboard's files, as they are in this binary (made by cmake/Assets.cmake).
#pragma once

#include <string_view>

namespace signalbox::http {

struct Asset {
  /// Of the URL: "/", "/assets/..." or "/openapi.json".
  std::string_view path;
  std::string_view type;
  /// With its quotes.
  std::string_view etag;
  std::string_view bytes;
};

/// @returns null when there is no such file.
const Asset* find_asset(std::string_view path);

}  // namespace signalbox::http
