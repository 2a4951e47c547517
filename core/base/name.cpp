#include "core/base/name.hpp"

#include <algorithm>

namespace signalbox {

bool is_valid_name(std::string_view name) {
  if (name.empty() || name.size() > 128) return false;
  return std::all_of(name.begin(), name.end(), [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view{"._:/@+-"}.find(letter) != std::string_view::npos;
  });
}

}  // namespace signalbox
