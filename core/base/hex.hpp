// Hexadecimal digits, in ids, digests and escapes.
#pragma once

#include <string_view>

namespace signalbox {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// @returns 0..15, or -1 when `digit` is none (either case is one).
constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace signalbox
