// Numbers as bytes, most significant first: their byte order is their order, and files move between
// machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace signalbox::persistence {

/// Writes the lowest `count` bytes of `value` to `place`.
inline void put_big_endian(char* place, std::uint64_t value, std::size_t count) {
  for (std::size_t index = count; index-- > 0; value >>= 8U) {
    place[index] = static_cast<char>(value & 0xFFU);
  }
}

/// @pre `bytes` are at most eight.
inline std::uint64_t get_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace signalbox::persistence
